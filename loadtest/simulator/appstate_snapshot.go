package simulator

import (
	"maps"
	"net/http"
	"slices"
	"sync"

	"go.mau.fi/whatsmeow/proto/waServerSync"
	"google.golang.org/protobuf/proto"
)

// snapshotEvery is how many patches a snapshot takes in at a time. A collection with fewer has none, and who is behind
// a snapshot gets it with the patches that follow.
const snapshotEvery = 10

// snapshot is what a collection's patches amount to at a version: the records that were set and not removed, as their
// authors have encrypted them. Its lock is a leaf but for the media store's.
type snapshot struct {
	mu      sync.Mutex
	version int
	mac     []byte // of the records up to here, by the author of the last patch
	keyID   *waServerSync.KeyId
	records map[string]*waServerSync.SyncdRecord // by index MAC
	blob    *waServerSync.ExternalBlobReference  // nil until asked for
}

// of brings the snapshot up to the patches and returns where it lies, as an encoded ExternalBlobReference, with its
// version: 0 and none if there is none yet.
func (s *snapshot) of(patches []patch, media *mediaStore) (version int, reference []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.takeInLocked(patches); err != nil {
		return 0, nil, err
	}
	if s.version == 0 {
		return 0, nil, nil
	}
	if err := s.uploadLocked(media); err != nil {
		return 0, nil, err
	}
	reference, err = proto.Marshal(s.blob)
	return s.version, reference, err
}

func (s *snapshot) takeInLocked(patches []patch) error {
	until := len(patches) - len(patches)%snapshotEvery
	for s.version < until {
		sent, mutations, err := patches[s.version].read()
		if err != nil {
			return err
		}
		s.applyLocked(mutations)
		s.mac, s.keyID = sent.GetSnapshotMAC(), sent.GetKeyID()
		s.version++
		s.blob = nil
	}
	return nil
}

func (s *snapshot) applyLocked(mutations []*waServerSync.SyncdMutation) {
	if s.records == nil {
		s.records = map[string]*waServerSync.SyncdRecord{}
	}
	for _, m := range mutations {
		index := string(m.GetRecord().GetIndex().GetBlob())
		if m.GetOperation() == waServerSync.SyncdMutation_REMOVE {
			delete(s.records, index)
		} else {
			s.records[index] = m.GetRecord()
		}
	}
}

// uploadLocked leaves the snapshot with the media servers, unless it lies there already.
func (s *snapshot) uploadLocked(media *mediaStore) (err error) {
	if _, status := media.get(s.blob.GetDirectPath()); s.blob != nil && status == http.StatusOK {
		return nil
	}
	whole := &waServerSync.SyncdSnapshot{Version: syncdVersion(s.version), Mac: s.mac, KeyID: s.keyID}
	for _, index := range slices.Sorted(maps.Keys(s.records)) {
		whole.Records = append(whole.Records, s.records[index])
	}
	s.blob, err = sealBlob(whole, media)
	return err
}
