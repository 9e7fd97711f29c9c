package devicestore

import (
	"context"
	"fmt"
	"slices"

	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
)

// PutLIDMapping stores that a LID and a number are one person. It is called for
// every message, so it writes nothing that is known.
func (s *Store) PutLIDMapping(ctx context.Context, lid, pn types.JID) (err error) {
	defer s.guard(ctx, "store LID mapping", &err)
	if !isMapping(lid, pn) {
		return refusal{fmt.Errorf("not a LID and a number: %s, %s", lid, pn)}
	}
	return s.putMappings(ctx, []store.LIDMapping{{LID: lid, PN: pn}})
}

// PutManyLIDMappings is PutLIDMapping for many; what is no mapping is left out.
func (s *Store) PutManyLIDMappings(ctx context.Context, mappings []store.LIDMapping) (err error) {
	defer s.guard(ctx, "store LID mappings", &err)
	for unit := range slices.Chunk(mappings, unitSize) {
		if err := s.putMappings(ctx, unit); err != nil {
			return err
		}
	}
	return s.open()
}

func isMapping(lid, pn types.JID) bool {
	return lid.Server == types.HiddenUserServer && pn.Server == types.DefaultUserServer
}

func (s *Store) putMappings(ctx context.Context, mappings []store.LIDMapping) error {
	var unknown []store.LIDMapping
	for _, mapping := range mappings {
		if !isMapping(mapping.LID, mapping.PN) {
			continue
		}
		known, err := s.mapped(ctx, mapping.LID)
		if err != nil {
			return err
		}
		if known != plain(mapping.PN) {
			unknown = append(unknown, mapping)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	_, err := s.update(ctx, func(tx *journal.Tx) error {
		for _, mapping := range unknown {
			if err := s.join(ctx, tx, plain(mapping.LID), plain(mapping.PN)); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// join maps the two addresses to each other and to nobody else, and counts who
// was two contacts as one.
func (s *Store) join(ctx context.Context, tx *journal.Tx, lid, pn string) error {
	for _, pair := range [][2]string{{lid, pn}, {pn, lid}} {
		jid, other := pair[0], pair[1]
		former, found, err := findIn(ctx, s, tx, persist.LIDMappings, jid)
		if err != nil {
			return err
		}
		if former.Other == other {
			return nil // twice in one unit
		}
		if found {
			if err := s.recount(ctx, tx, jid, former.Other, 1); err != nil {
				return err
			}
			tx.Put(persist.LIDMappings.Remove(former.Other))
		}
		tx.Put(persist.LIDMappings.Put(persist.LIDMapping{JID: jid, Other: other}))
	}
	if err := s.mergeChat(ctx, tx, lid); err != nil {
		return err
	}
	return s.recount(ctx, tx, lid, pn, -1)
}

// mergeChat notes that the chat of a LID, if there is one, becomes part of that of
// the number.
func (s *Store) mergeChat(ctx context.Context, tx *journal.Tx, lid string) error {
	_, found, err := findIn(ctx, s, tx, persist.Chats, lid)
	if err != nil || !found {
		return err
	}
	tx.Put(persist.Counters.Put(persist.Counter{Name: persist.CountMerging + lid, Value: 1}))
	tx.OnDurable(func() {
		if tell := s.merging.Load(); tell != nil {
			(*tell)()
		}
	})
	return nil
}

// recount corrects the number of contacts by delta if both addresses are some.
func (s *Store) recount(ctx context.Context, tx *journal.Tx, jid, other string, delta int64) error {
	twins, err := s.twins(ctx, tx, jid, other)
	if err == nil && twins {
		tx.Count(persist.CountContacts, delta)
	}
	return err
}

// GetPNForLID returns the number of a LID with the LID's device, or an empty JID.
func (s *Store) GetPNForLID(ctx context.Context, lid types.JID) (_ types.JID, err error) {
	defer s.guard(ctx, "read number of LID", &err)
	if lid.Server != types.HiddenUserServer {
		return types.EmptyJID, refusal{fmt.Errorf("not a LID: %s", lid)}
	}
	return s.otherJID(ctx, lid)
}

// GetLIDForPN returns the LID of a number with the number's device, or an empty
// JID.
func (s *Store) GetLIDForPN(ctx context.Context, pn types.JID) (_ types.JID, err error) {
	defer s.guard(ctx, "read LID of number", &err)
	if pn.Server != types.DefaultUserServer {
		return types.EmptyJID, refusal{fmt.Errorf("not a number: %s", pn)}
	}
	return s.otherJID(ctx, pn)
}

// GetManyLIDsForPNs returns the LIDs of those numbers whose LID is known.
func (s *Store) GetManyLIDsForPNs(ctx context.Context, pns []types.JID) (_ map[types.JID]types.JID, err error) {
	defer s.guard(ctx, "read LIDs of numbers", &err)
	if err := s.open(); err != nil || len(pns) == 0 {
		return nil, err
	}
	lids := make(map[types.JID]types.JID, len(pns))
	for _, pn := range pns {
		if pn.Server != types.DefaultUserServer {
			continue
		}
		lid, err := s.otherJID(ctx, pn)
		if err != nil {
			return nil, err
		}
		if !lid.IsEmpty() {
			lids[pn] = lid
		}
	}
	return lids, nil
}

// otherJID maps a number to its LID or the other way round, keeping the device;
// it is empty where no mapping is known.
func (s *Store) otherJID(ctx context.Context, jid types.JID) (types.JID, error) {
	if jid.Server != types.DefaultUserServer && jid.Server != types.HiddenUserServer {
		return types.EmptyJID, s.open()
	}
	text, err := s.mapped(ctx, jid)
	if err != nil || text == "" {
		return types.EmptyJID, err
	}
	other, err := types.ParseJID(text)
	other.Device = jid.Device
	return other, err
}

func (s *Store) mapped(ctx context.Context, jid types.JID) (string, error) {
	mapping, _, err := find(ctx, s, persist.LIDMappings, plain(jid))
	return mapping.Other, err
}

// bothJIDs lists the JID itself and the other of the same person, if known.
func (s *Store) bothJIDs(ctx context.Context, jid types.JID) ([]types.JID, error) {
	other, err := s.otherJID(ctx, jid.ToNonAD())
	if err != nil || other.IsEmpty() {
		return []types.JID{jid.ToNonAD()}, err
	}
	return []types.JID{jid.ToNonAD(), other}, nil
}
