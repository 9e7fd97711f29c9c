package simulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/proto/waServerSync"
	"go.mau.fi/whatsmeow/store"
	waLog "go.mau.fi/whatsmeow/util/log"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// appState is a phone's copy of its account's app state, and whatsmeow's store of it: the processor, which runs only
// under the lock, reads the keys and the value MACs from here.
type appState struct {
	store.NoopStore

	mu          sync.Mutex // taken before Simulator.mu
	media       *mediaStore
	keys        []appStateKey
	collections map[appstate.WAPatchName]*stateCopy
	processor   *appstate.Processor
}

// stateCopy is one collection as far as the phone has read it.
type stateCopy struct {
	appstate.HashState

	entries map[string]appstate.Mutation // by index MAC
}

func newAppState(media *mediaStore) *appState {
	s := &appState{media: media, keys: []appStateKey{newAppStateKey(1)}, collections: map[appstate.WAPatchName]*stateCopy{}}
	s.processor = appstate.NewProcessor(&store.Device{AppState: s, AppStateKeys: s}, waLog.Noop)
	return s
}

// GetAppStateSyncKey implements [store.AppStateSyncKeyStore].
func (s *appState) GetAppStateSyncKey(_ context.Context, id []byte) (*store.AppStateSyncKey, error) {
	for _, key := range s.keys {
		if string(key.id) == string(id) {
			return &store.AppStateSyncKey{Data: key.data}, nil
		}
	}
	return nil, nil //nolint:nilnil // the interface's way to say that it is unknown
}

// GetAppStateMutationMAC implements [store.AppStateStore].
func (s *appState) GetAppStateMutationMAC(_ context.Context, name string, indexMAC []byte) ([]byte, error) {
	return s.copyLocked(appstate.WAPatchName(name)).entries[string(indexMAC)].ValueMAC, nil
}

func (s *appState) copyLocked(name appstate.WAPatchName) *stateCopy {
	if s.collections[name] == nil {
		s.collections[name] = &stateCopy{entries: map[string]appstate.Mutation{}}
	}
	return s.collections[name]
}

// applyLocked verifies and decrypts one patch and folds it in.
func (s *appState) applyLocked(name appstate.WAPatchName, raw []byte) error {
	var patch waServerSync.SyncdPatch
	if err := proto.Unmarshal(raw, &patch); err != nil {
		return err
	}
	if err := s.download(&patch); err != nil {
		return fmt.Errorf("patch %d of %s: %w", patch.GetVersion().GetVersion(), name, err)
	}
	c := s.copyLocked(name)
	list := &appstate.PatchList{Name: name, Patches: []*waServerSync.SyncdPatch{&patch}}
	mutations, state, err := s.processor.DecodePatches(background, list, c.HashState, true)
	if err != nil {
		return fmt.Errorf("patch %d of %s: %w", patch.GetVersion().GetVersion(), name, err)
	}
	c.HashState = state
	for _, m := range mutations {
		if m.Operation == waServerSync.SyncdMutation_REMOVE {
			delete(c.entries, string(m.IndexMAC))
		} else {
			c.entries[string(m.IndexMAC)] = m
		}
	}
	return nil
}

// download fetches the mutations of a patch that does not hold them itself.
func (s *appState) download(patch *waServerSync.SyncdPatch) error {
	reference := patch.GetExternalMutations()
	if reference == nil {
		return nil
	}
	raw, err := openBlob(reference, s.media)
	if err != nil {
		return err
	}
	var external waServerSync.SyncdMutations
	err = proto.Unmarshal(raw, &external)
	patch.Mutations = external.GetMutations()
	return err
}

// WriteAppState makes any change to the account's app state, as the phone's user would in its menus: whatsmeow's
// package appstate builds it. The account's companions are told. A change of more than 100 entries lies on the media
// servers. It fails with [ErrPhoneOffline], or if what a companion wrote before cannot be verified.
func (p *Phone) WriteAppState(_ context.Context, change appstate.PatchInfo) error {
	if !p.Online() {
		return ErrPhoneOffline
	}
	return p.writeAppState(change)
}

func (p *Phone) writeAppState(change appstate.PatchInfo) error {
	return p.write(change.Type, func(c *stateCopy) ([]*waServerSync.SyncdMutation, error) {
		return p.state.setLocked(c, change)
	})
}

// write sends a patch of mutations that are made for what the collection holds by then.
func (p *Phone) write(name appstate.WAPatchName, mutate func(*stateCopy) ([]*waServerSync.SyncdMutation, error)) error {
	p.state.mu.Lock()
	defer p.state.mu.Unlock()
	for {
		if err := p.catchUpLocked(name); err != nil {
			return err
		}
		c := p.state.copyLocked(name)
		mutations, err := mutate(c)
		if err != nil {
			return err
		}
		raw, err := p.state.patchLocked(name, c, mutations)
		if err != nil {
			return fmt.Errorf("encode patch: %w", err)
		}
		err = p.sim.addPatch(p.account, string(name), int(c.Version), raw, nil)
		if errors.Is(err, errConflict) {
			continue // a companion was faster
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		return p.catchUpLocked(name)
	}
}

// catchUpLocked reads what the service has and the phone has not seen.
func (p *Phone) catchUpLocked(name appstate.WAPatchName) error {
	version := int(p.state.copyLocked(name).Version)
	patches := p.sim.patches(p.account, string(name))
	for _, next := range patches[min(version, len(patches)):] {
		if err := p.state.applyLocked(name, next.raw); err != nil {
			return err
		}
	}
	return nil
}

// learnAppState reads what a companion has written. What cannot be verified is a failure to decrypt like any other.
func (p *Phone) learnAppState(name appstate.WAPatchName) {
	p.state.mu.Lock()
	err := p.catchUpLocked(name)
	setting := p.state.pushNameLocked()
	p.state.mu.Unlock()
	if err != nil {
		p.sim.referee.violated(DecryptFailures, p.endpoint(), p, "app state "+string(name))
		p.sim.notef(p.Number(), "app state: %v", err)
		return
	}
	if name == appstate.WAPatchCriticalBlock && setting != "" {
		p.setName(setting)
	}
}

func (p *Phone) setName(name string) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.account.name = name
	p.account.tellChanged()
}

func (s *appState) pushNameLocked() string {
	name := appstate.Mutation{}
	for _, entry := range s.copyLocked(appstate.WAPatchCriticalBlock).current() {
		if slices.Equal(entry.Index, []string{appstate.IndexSettingPushName}) { // a companion may have written an empty index
			name = entry
		}
	}
	return name.Action.GetPushNameSetting().GetName()
}

// current lists the entries in the order of their indices, by the latest patch each: a companion that writes under a
// newer key leaves what the older one has encrypted.
func (c *stateCopy) current() []appstate.Mutation {
	latest := map[string]appstate.Mutation{}
	for _, entry := range c.entries {
		index := strings.Join(entry.Index, " ")
		if entry.PatchVersion >= latest[index].PatchVersion {
			latest[index] = entry
		}
	}
	all := make([]appstate.Mutation, 0, len(latest))
	for _, index := range slices.Sorted(maps.Keys(latest)) {
		all = append(all, latest[index])
	}
	return all
}

// AppStateEntry is one thing that the account's devices share: a contact's name, a pinned chat, a label…
type AppStateEntry struct {
	Collection string          `json:"collection"`
	Index      []string        `json:"index"` // what it is and of whom, like ["pin_v1","…@lid"]
	Value      json.RawMessage `json:"value"` // as protobuf's JSON has it
	Timestamp  time.Time       `json:"timestamp"`
}

// AppState returns what the account's devices share, as the phone has verified and decrypted it. A phone that is
// offline answers what it knew last.
func (p *Phone) AppState() ([]AppStateEntry, error) {
	p.state.mu.Lock()
	defer p.state.mu.Unlock()
	all := []AppStateEntry{}
	for _, name := range appstate.AllPatchNames {
		if p.Online() {
			if err := p.catchUpLocked(name); err != nil {
				return nil, err
			}
		}
		entries, err := p.state.copyLocked(name).view(name)
		if err != nil {
			return nil, err
		}
		all = append(all, entries...)
	}
	return all, nil
}

// view lists a collection in the order of its indices.
func (c *stateCopy) view(name appstate.WAPatchName) (all []AppStateEntry, err error) {
	for _, m := range c.current() {
		value, err := protojson.Marshal(m.Action)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, AppStateEntry{
			Collection: string(name), Index: m.Index, Value: value, Timestamp: time.UnixMilli(m.Action.GetTimestamp()).UTC(),
		})
	}
	return all, nil
}
