package vault

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/tuple"
)

// A sealed value is magic, the id of its data key, a nonce, the ciphertext and its
// tag. No text begins like it, and nothing that WhatsApp serializes.
const (
	magic     = "\xFFWV\x01"
	idEnd     = len(magic) + 4
	nonceEnd  = idEnd + chacha20poly1305.NonceSizeX
	overhead  = nonceEnd + chacha20poly1305.Overhead
	textBegin = `"sealed:`
	textEnd   = `"`
)

// place is where a record is.
type place struct {
	scope persist.Scope
	table *persist.Table
	key   persist.Key
}

// binding is what a value of the place is sealed with, but for the column's name,
// which is to be added. The parts end themselves, so no two places have the same.
func (p place) binding() []byte {
	made := make([]byte, 0, 160)
	for _, part := range []string{p.scope.Level(), p.scope.Owner(), p.table.Name} {
		made = append(append(made, part...), 0)
	}
	return tuple.AppendKey(made, p.key...)
}

// seal returns the sealed form of a text or blob, of the same type.
func seal(key cipher.AEAD, id uint32, value any, binding []byte) any {
	if text, ok := value.(string); ok {
		sealed := sealBytes(key, id, []byte(text), binding)
		return textBegin + base64.RawURLEncoding.EncodeToString(sealed) + textEnd
	}
	return sealBytes(key, id, value.([]byte), binding)
}

func sealBytes(key cipher.AEAD, id uint32, plain, binding []byte) []byte {
	sealed := make([]byte, nonceEnd, overhead+len(plain))
	copy(sealed, magic)
	binary.BigEndian.PutUint32(sealed[len(magic):], id)
	_, _ = rand.Read(sealed[idEnd:]) // it never fails
	return key.Seal(sealed, sealed[idEnd:], plain, binding)
}

// sealedBytes returns the bytes that seal made for value, and false for what seal
// did not make.
func sealedBytes(value any) ([]byte, bool) {
	sealed, ok := value.([]byte)
	if text, isText := value.(string); isText {
		if !strings.HasPrefix(text, textBegin) || !strings.HasSuffix(text, textEnd) {
			return nil, false
		}
		var err error
		sealed, err = base64.RawURLEncoding.DecodeString(text[len(textBegin) : len(text)-len(textEnd)])
		ok = err == nil
	}
	return sealed, ok && bytes.HasPrefix(sealed, []byte(magic)) && len(sealed) >= overhead
}

// keyOf is the id of the data key that made sealedBytes.
func keyOf(sealed []byte) uint32 { return binary.BigEndian.Uint32(sealed[len(magic):]) }

// open returns what seal was given, of the type of value, whose bytes sealed are.
func open(key cipher.AEAD, value any, sealed, binding []byte) (any, error) {
	plain, err := key.Open(make([]byte, 0, len(sealed)-overhead), sealed[idEnd:nonceEnd], sealed[nonceEnd:], binding)
	if err != nil {
		return nil, fmt.Errorf("%w: it was changed or moved", persist.ErrTampered)
	}
	if _, isText := value.(string); isText {
		return string(plain), nil
	}
	return plain, nil
}

func isEmpty(value any) bool {
	switch v := value.(type) {
	case string:
		return v == ""
	case []byte:
		return len(v) == 0
	}
	return true
}
