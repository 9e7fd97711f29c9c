package simulator

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"slices"
	"time"

	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/appstate/lthash"
	"go.mau.fi/whatsmeow/proto/waServerSync"
	"go.mau.fi/whatsmeow/proto/waSyncAction"
	"go.mau.fi/whatsmeow/util/cbcutil"
	"go.mau.fi/whatsmeow/util/hkdfutil"
	"google.golang.org/protobuf/proto"
)

// whatsmeow's encoder makes patches that set; those of phones remove as well, and large ones lie on the media servers.

// maxInline is how many mutations a patch holds itself.
const maxInline = 100

// mutationKeys is what an app-state key is expanded to, each for one purpose.
type mutationKeys struct{ index, value, valueMAC, snapshotMAC, patchMAC []byte }

func (k appStateKey) expand() mutationKeys {
	const size = 32
	all := slices.Collect(slices.Chunk(hkdfutil.SHA256(k.data, nil, []byte("WhatsApp Mutation Keys"), 5*size), size))
	return mutationKeys{all[0], all[1], all[2], all[3], all[4]}
}

func (k mutationKeys) indexMAC(index []byte) []byte { return hmacOf(sha256.New, k.index, index) }

func hmacOf(algorithm func() hash.Hash, key []byte, parts ...[]byte) []byte {
	h := hmac.New(algorithm, key)
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}

func bigEndian(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// mutate encrypts one change of an entry under a key.
func (k appStateKey) mutate(operation waServerSync.SyncdMutation_SyncdOperation, index []string, version int32, value *waSyncAction.SyncActionValue) (*waServerSync.SyncdMutation, error) {
	keys := k.expand()
	rawIndex, err := json.Marshal(index)
	if err != nil {
		return nil, err
	}
	plain, err := proto.Marshal(&waSyncAction.SyncActionData{Index: rawIndex, Value: value, Version: &version, Padding: []byte{}})
	if err != nil {
		return nil, err
	}
	sealed, err := cbcutil.Encrypt(keys.value, nil, plain)
	if err != nil {
		return nil, err
	}
	const macSize = 32 // the half of SHA-512
	mac := hmacOf(sha512.New, keys.valueMAC, []byte{byte(operation) + 1}, k.id, sealed, bigEndian(uint64(len(k.id)+1)))[:macSize]
	return &waServerSync.SyncdMutation{
		Operation: operation.Enum(),
		Record: &waServerSync.SyncdRecord{
			Index: &waServerSync.SyncdIndex{Blob: keys.indexMAC(rawIndex)},
			Value: &waServerSync.SyncdValue{Blob: slices.Concat(sealed, mac)},
			KeyID: &waServerSync.KeyId{ID: k.id},
		},
	}, nil
}

// macIn is the MAC at the end of a mutation's value.
func macIn(m *waServerSync.SyncdMutation) []byte {
	value := m.GetRecord().GetValue().GetBlob()
	return value[len(value)-32:]
}

// setLocked is a change as mutations under the latest key, which replace what an older one has encrypted.
func (s *appState) setLocked(c *stateCopy, change appstate.PatchInfo) (all []*waServerSync.SyncdMutation, err error) {
	at := change.Timestamp
	if at.IsZero() {
		at = time.Now()
	}
	for _, info := range change.Mutations {
		removals, err := s.removeLocked(c, info.Index, s.keys[:len(s.keys)-1])
		if err != nil {
			return nil, err
		}
		value := proto.CloneOf(info.Value)
		value.Timestamp = proto.Int64(at.UnixMilli())
		set, err := s.keys[len(s.keys)-1].mutate(waServerSync.SyncdMutation_SET, info.Index, info.Version, value)
		if err != nil {
			return nil, err
		}
		all = append(append(all, removals...), set)
	}
	return all, nil
}

// removeLocked removes an entry as far as it is encrypted under the given keys.
func (s *appState) removeLocked(c *stateCopy, index []string, keys []appStateKey) (all []*waServerSync.SyncdMutation, err error) {
	rawIndex, err := json.Marshal(index)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		entry, there := c.entries[string(key.expand().indexMAC(rawIndex))]
		if !there {
			continue
		}
		removal, err := key.mutate(waServerSync.SyncdMutation_REMOVE, index, entry.Version, entry.Action)
		if err != nil {
			return nil, err
		}
		all = append(all, removal)
	}
	return all, nil
}

// patchLocked signs mutations as the patch that follows what the phone has of a collection.
func (s *appState) patchLocked(name appstate.WAPatchName, c *stateCopy, mutations []*waServerSync.SyncdMutation) ([]byte, error) {
	key := s.keys[len(s.keys)-1]
	keys, version, hash := key.expand(), bigEndian(c.Version+1), c.hashAfter(mutations)
	signed := [][]byte{hmacOf(sha256.New, keys.snapshotMAC, hash, version, []byte(name))}
	for _, m := range mutations {
		signed = append(signed, macIn(m))
	}
	patch := &waServerSync.SyncdPatch{
		KeyID: &waServerSync.KeyId{ID: key.id}, SnapshotMAC: signed[0], Mutations: mutations,
		PatchMAC: hmacOf(sha256.New, keys.patchMAC, append(signed, version, []byte(name))...),
	}
	if len(mutations) > maxInline {
		reference, err := sealBlob(&waServerSync.SyncdMutations{Mutations: mutations}, s.media)
		if err != nil {
			return nil, err
		}
		patch.Mutations, patch.ExternalMutations = nil, reference
	}
	return proto.Marshal(patch)
}

// hashAfter is the hash of all that a collection holds once mutations are made.
func (c *stateCopy) hashAfter(mutations []*waServerSync.SyncdMutation) []byte {
	var removed, added [][]byte
	within := map[string][]byte{} // what these mutations have set so far
	for _, m := range mutations {
		index := string(m.GetRecord().GetIndex().GetBlob())
		before, changed := within[index]
		if !changed {
			before = c.entries[index].ValueMAC
		}
		if before != nil {
			removed = append(removed, before)
		}
		within[index] = nil
		if m.GetOperation() == waServerSync.SyncdMutation_SET {
			within[index] = macIn(m)
			added = append(added, within[index])
		}
	}
	return lthash.WAPatchIntegrity.SubtractThenAdd(c.Hash[:], removed, added)
}

// ErrUnknownEntry is the answer about what the account's devices do not share.
var ErrUnknownEntry = errors.New("no such entry of the app state")

// RemoveAppState removes an entry, given by its index as [Phone.AppState] shows it, from the collection that holds it.
// It is how an address book loses somebody. The account's companions are told. It fails with [ErrPhoneOffline] or
// [ErrUnknownEntry].
func (p *Phone) RemoveAppState(_ context.Context, index ...string) error {
	if !p.Online() {
		return ErrPhoneOffline
	}
	for _, name := range appstate.AllPatchNames {
		err := p.write(name, func(c *stateCopy) ([]*waServerSync.SyncdMutation, error) {
			removals, err := p.state.removeLocked(c, index, p.state.keys)
			if err == nil && len(removals) == 0 {
				err = ErrUnknownEntry
			}
			return removals, err
		})
		if !errors.Is(err, ErrUnknownEntry) {
			return err
		}
	}
	return fmt.Errorf("%q: %w", index, ErrUnknownEntry)
}
