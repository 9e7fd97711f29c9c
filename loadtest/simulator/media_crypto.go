package simulator

import (
	"crypto/aes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/util/cbcutil"
	"go.mau.fi/whatsmeow/util/hkdfutil"
)

// mediaMAC is the length of the MAC at the end of a blob.
const mediaMAC = 10

// maxMediaOverhead is how much longer a blob can be than its file: a block of padding and the MAC.
const maxMediaOverhead = aes.BlockSize + mediaMAC

// sealMedia encrypts a file under a fresh key. The blob is what goes to the media servers; the rest is what recipients
// are told about it, except where it lies.
func sealMedia(file []byte, kind whatsmeow.MediaType) (blob []byte, told whatsmeow.UploadResponse, err error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	iv, cipherKey, macKey := mediaKeys(key, kind)
	ciphertext, err := cbcutil.Encrypt(cipherKey, iv, file)
	if err != nil {
		return nil, told, fmt.Errorf("encrypt media: %w", err)
	}
	blob = slices.Concat(ciphertext, macOf(macKey, iv, ciphertext))
	hash, sealedHash := sha256.Sum256(file), sha256.Sum256(blob)
	return blob, whatsmeow.UploadResponse{
		MediaKey: key, FileSHA256: hash[:], FileEncSHA256: sealedHash[:], FileLength: uint64(len(file)),
	}, nil
}

func mediaKeys(key []byte, kind whatsmeow.MediaType) (iv, cipherKey, macKey []byte) {
	all := hkdfutil.SHA256(key, nil, []byte(kind), 112)
	return all[:16], all[16:48], all[48:80]
}

func macOf(key, iv, ciphertext []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(iv)
	h.Write(ciphertext)
	return h.Sum(nil)[:mediaMAC]
}

var errMediaMAC = errors.New("media does not carry its MAC")

// openMedia decrypts a blob, verifying that it was made with the key.
func openMedia(blob, key []byte, kind whatsmeow.MediaType) ([]byte, error) {
	if len(blob) <= mediaMAC {
		return nil, errMediaMAC
	}
	iv, cipherKey, macKey := mediaKeys(key, kind)
	ciphertext, mac := blob[:len(blob)-mediaMAC], blob[len(blob)-mediaMAC:]
	if !hmac.Equal(mac, macOf(macKey, iv, ciphertext)) {
		return nil, errMediaMAC
	}
	file, err := cbcutil.Decrypt(cipherKey, iv, slices.Clone(ciphertext)) // which works in place
	if err != nil {
		return nil, fmt.Errorf("decrypt media: %w", err)
	}
	return file, nil
}
