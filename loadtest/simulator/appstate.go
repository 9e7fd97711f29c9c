package simulator

import (
	"errors"
	"strconv"

	"go.mau.fi/whatsmeow/appstate"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waServerSync"
	"google.golang.org/protobuf/proto"
)

// collection is one app-state collection of an account: the patches that its devices have sent, in order. The service
// cannot read them; a patch's version is its position.
type collection struct {
	patches [][]byte
}

// maxPatches is how many patches one answer holds; the client asks again for the rest.
const maxPatches = 100

// syncAppState takes the patches in a request and answers, for each collection, what the device has not seen.
func (s *Simulator) syncAppState(_ *connection, d *device, request *waBinary.Node) waBinary.Node {
	sync := request.GetChildByTag("sync")
	s.mu.Lock()
	defer s.mu.Unlock()
	var answers []waBinary.Node
	for _, asked := range sync.GetChildrenByTag("collection") {
		answers = append(answers, s.syncCollectionLocked(d, &asked))
	}
	return result(request, element("sync", nil, answers...))
}

func (s *Simulator) syncCollectionLocked(d *device, asked *waBinary.Node) waBinary.Node {
	name := attr(asked, "name")
	known, _ := strconv.Atoi(attr(asked, "version"))
	col := d.account.collectionLocked(name)
	raw, patching := patchIn(asked)
	if !patching {
		return col.news(name, known)
	}
	switch err := s.addPatchLocked(d.account, name, known, raw, d); {
	case errors.Is(err, errConflict):
		conflict := element("collection", waBinary.Attrs{"name": name, "type": "error", "version": len(col.patches)}, errorNode(409, "conflict"))
		conflict.Content = append(conflict.GetChildren(), col.patchesNode(known))
		return conflict
	case errors.Is(err, errCollectionFull):
		return element("collection", waBinary.Attrs{"name": name, "type": "error"}, errorNode(419, "resource-limit"))
	case err != nil:
		return element("collection", waBinary.Attrs{"name": name, "type": "error"}, errorNode(400, "bad-request"))
	}
	return element("collection", waBinary.Attrs{"name": name, "version": len(col.patches)})
}

func (a *account) collectionLocked(name string) *collection {
	if a.collections[name] == nil {
		a.collections[name] = &collection{}
	}
	return a.collections[name]
}

func patchIn(asked *waBinary.Node) ([]byte, bool) {
	if raw := contentAt(asked, "patch"); raw != nil {
		return raw, true
	}
	raw := contentAt(asked, "patches", "patch")
	return raw, raw != nil
}

// after lists the patches that follow a version, as many as one answer holds.
func (c *collection) after(known int) [][]byte {
	known = min(max(known, 0), len(c.patches))
	return c.patches[known:min(len(c.patches), known+maxPatches)]
}

// news answers what follows a version.
func (c *collection) news(name string, known int) waBinary.Node {
	attrs := waBinary.Attrs{"name": name, "version": len(c.patches)}
	if len(c.patches)-known > maxPatches {
		attrs["has_more_patches"] = "true"
	}
	if len(c.after(known)) == 0 {
		return element("collection", attrs)
	}
	return element("collection", attrs, c.patchesNode(known))
}

func (c *collection) patchesNode(known int) waBinary.Node {
	var nodes []waBinary.Node
	for _, raw := range c.after(known) {
		nodes = append(nodes, leaf("patch", raw))
	}
	return element("patches", nil, nodes...)
}

// Refusals of a patch.
var (
	errConflict       = errors.New("the collection has a newer version")
	errCollectionFull = errors.New("the collection is full")
	errPatch          = errors.New("not a patch")
)

// maxCollection bounds the patches of a collection.
const maxCollection = 10_000

// addPatchLocked takes a patch that was made upon a version, and tells the account's other devices. The author is nil
// for the phone.
func (s *Simulator) addPatchLocked(a *account, name string, known int, raw []byte, author *device) error {
	col := a.collectionLocked(name)
	switch {
	case known < len(col.patches):
		return errConflict
	case len(col.patches) >= maxCollection:
		return errCollectionFull
	}
	if err := col.add(raw); err != nil {
		return err
	}
	a.announcePatchLocked(s, name, author)
	return nil
}

// add stores a patch under the next version, which the server writes into it.
func (c *collection) add(raw []byte) error {
	var patch waServerSync.SyncdPatch
	if err := proto.Unmarshal(raw, &patch); err != nil || !wellFormed(&patch) {
		return errors.Join(errPatch, err)
	}
	patch.Version = &waServerSync.SyncdVersion{Version: proto.Uint64(uint64(len(c.patches) + 1))}
	numbered, err := proto.Marshal(&patch)
	if err != nil {
		return err
	}
	c.patches = append(c.patches, numbered)
	return nil
}

// wellFormed tells whether all values are long enough for what they must hold: an initial vector, a block and a MAC.
// whatsmeow's decoder takes that for granted.
func wellFormed(patch *waServerSync.SyncdPatch) bool {
	const vector, block, mac = 16, 16, 32
	for _, mutation := range patch.GetMutations() {
		record := mutation.GetRecord()
		if len(record.GetIndex().GetBlob()) != mac || len(record.GetValue().GetBlob()) < vector+block+mac {
			return false
		}
	}
	return len(patch.GetMutations()) > 0
}

// announcePatchLocked tells the account's other devices that a collection has grown.
func (a *account) announcePatchLocked(s *Simulator, name string, author *device) {
	for _, d := range a.devices {
		if d != author {
			attrs := waBinary.Attrs{"name": name, "version": len(a.collections[name].patches)}
			s.enqueueLocked(d, notification(a.pn, "server_sync", element("collection", attrs)))
		}
	}
	if author != nil {
		a.phone.inbox.post(func() { a.phone.learnAppState(appstate.WAPatchName(name)) })
	}
}
