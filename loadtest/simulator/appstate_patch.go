package simulator

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waServerSync"
	"google.golang.org/protobuf/proto"
)

// patch is one change of a collection, which the service cannot read. It does not change.
type patch struct {
	raw      []byte // a SyncdPatch, with the version that the service has given it
	external []byte // the SyncdMutations that lie on the media servers, if the patch does not hold them itself
}

// errPatch is the refusal of what is no patch.
var errPatch = errors.New("not a patch")

// newPatch takes what a device has sent as the patch of a version.
func newPatch(raw []byte, version int, media *mediaStore) (p patch, err error) {
	var sent waServerSync.SyncdPatch
	if err = proto.Unmarshal(raw, &sent); err != nil {
		return p, errors.Join(errPatch, err)
	}
	if reference := sent.GetExternalMutations(); reference != nil {
		if p.external, err = openBlob(reference, media); err != nil {
			return p, errors.Join(errPatch, err)
		}
	}
	sent.Version = syncdVersion(version)
	if p.raw, err = proto.Marshal(&sent); err != nil {
		return p, err
	}
	_, mutations, err := p.read()
	if err != nil || !wellFormed(mutations) {
		return p, errors.Join(errPatch, err)
	}
	return p, nil
}

func syncdVersion(version int) *waServerSync.SyncdVersion {
	return &waServerSync.SyncdVersion{Version: proto.Uint64(uint64(max(version, 0)))}
}

// read returns the patch with its mutations, wherever they lie.
func (p patch) read() (*waServerSync.SyncdPatch, []*waServerSync.SyncdMutation, error) {
	var sent waServerSync.SyncdPatch
	if err := proto.Unmarshal(p.raw, &sent); err != nil || p.external == nil {
		return &sent, sent.GetMutations(), err
	}
	var external waServerSync.SyncdMutations
	err := proto.Unmarshal(p.external, &external)
	return &sent, external.GetMutations(), err
}

// wellFormed tells whether all values are long enough for what they must hold: an initial vector, a block and a MAC.
// whatsmeow's decoder takes that for granted.
func wellFormed(mutations []*waServerSync.SyncdMutation) bool {
	const vector, block, mac = 16, 16, 32
	for _, mutation := range mutations {
		record := mutation.GetRecord()
		if len(record.GetIndex().GetBlob()) != mac || len(record.GetValue().GetBlob()) < vector+block+mac {
			return false
		}
	}
	return len(mutations) > 0
}

// sealBlob leaves a part of a collection with the media servers. Its reference holds the key, but what is in there is
// encrypted once more.
func sealBlob(part proto.Message, media *mediaStore) (*waServerSync.ExternalBlobReference, error) {
	plain, err := proto.Marshal(part)
	if err != nil {
		return nil, err
	}
	blob, told, err := sealMedia(plain, whatsmeow.MediaAppState)
	if err != nil {
		return nil, err
	}
	return &waServerSync.ExternalBlobReference{
		MediaKey: told.MediaKey, DirectPath: proto.String(media.put(blob)), Handle: proto.String(randomHex(8)),
		FileSizeBytes: proto.Uint64(told.FileLength), FileSHA256: told.FileSHA256, FileEncSHA256: told.FileEncSHA256,
	}, nil
}

// openBlob gets a part of a collection from the media servers, and verifies that it is the one referred to.
func openBlob(reference *waServerSync.ExternalBlobReference, media *mediaStore) ([]byte, error) {
	blob, status := media.get(reference.GetDirectPath())
	if blob == nil {
		return nil, fmt.Errorf("status %d: %w", status, ErrUnknownMedia)
	}
	plain, err := openMedia(blob, reference.GetMediaKey(), whatsmeow.MediaAppState)
	if err != nil {
		return nil, err
	}
	if hash := sha256.Sum256(plain); !bytes.Equal(hash[:], reference.GetFileSHA256()) {
		return nil, errBadMedia
	}
	return plain, nil
}
