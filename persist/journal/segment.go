package journal

import "whatsapp-web-server/persist"

// segment is a stretch of the dirty log, coalesced per record: what one flush
// writes. A journal has at most two, the one being committed and the one that
// grows.
type segment struct {
	mutations []persist.Mutation // in the order of each record's first write
	places    map[address]place
	head      Position // of its last unit
	bytes     int
	onDurable []func()
}

// place says where in a segment the last write of a record is.
type place struct {
	index   int
	version Version
	bulk    bool // nobody is about to read it
}

func newSegment() *segment { return &segment{places: map[address]place{}} }

// find returns the record as the segment leaves it.
func (s *segment) find(at address) (record, bool) {
	if s == nil {
		return record{}, false
	}
	p, ok := s.places[at]
	if !ok {
		return record{}, false
	}
	return s.record(p), true
}

func (s *segment) record(p place) record {
	if m := s.mutations[p.index]; !m.Delete {
		return record{row: m.Row, version: p.version}
	}
	return record{version: p.version}
}

// put adds the write of one record, replacing an earlier one. p needs no index.
func (s *segment) put(at address, m persist.Mutation, p place) {
	s.bytes += sizeOf(m.Row) + len(at.key)
	if earlier, ok := s.places[at]; ok {
		s.bytes -= sizeOf(s.mutations[earlier.index].Row) + len(at.key)
		s.mutations[earlier.index] = m
		p.index = earlier.index
		s.places[at] = p
		return
	}
	p.index = len(s.mutations)
	s.places[at] = p
	s.mutations = append(s.mutations, m)
}
