package simulator

import (
	"errors"
	"fmt"

	"go.mau.fi/whatsmeow/appstate"
	waBinary "go.mau.fi/whatsmeow/binary"
)

// collection is one app-state collection of an account: the patches that its devices have sent, in order. The service
// cannot read them; a patch's version is its position.
type collection struct {
	patches  []patch
	snapshot *snapshot
}

// maxPatches is how many patches one answer holds; the client asks again for the rest.
const maxPatches = 100

// syncAppState takes the patches in a request and answers, for each collection, what the device has not seen.
func (s *Simulator) syncAppState(_ *connection, d *device, request *waBinary.Node) waBinary.Node {
	sync := request.GetChildByTag("sync")
	var answers []waBinary.Node
	for _, asked := range sync.GetChildrenByTag("collection") {
		answers = append(answers, s.syncCollection(d, &asked))
	}
	return result(request, element("sync", nil, answers...))
}

func (s *Simulator) syncCollection(d *device, asked *waBinary.Node) waBinary.Node {
	if raw, patching := patchIn(asked); patching {
		return s.takePatch(d, asked, raw)
	}
	name := attr(asked, "name")
	if attr(asked, "return_snapshot") == "true" {
		return s.fullSync(d.account, name)
	}
	return news(name, s.patches(d.account, name), known(asked), nil)
}

// fullSync answers all of a collection: its snapshot, if it has one, and what came after that.
func (s *Simulator) fullSync(a *account, name string) waBinary.Node {
	s.mu.Lock()
	col := a.collectionLocked(name)
	patches, snapshot := col.patches, col.snapshot
	s.mu.Unlock()
	version, reference, err := snapshot.of(patches, s.media)
	if err != nil {
		s.notef(a.number, "snapshot of %s: %v", name, err)
	}
	return news(name, patches, version, reference)
}

func (s *Simulator) takePatch(d *device, asked *waBinary.Node, raw []byte) waBinary.Node {
	name := attr(asked, "name")
	err := s.addPatch(d.account, name, known(asked), raw, d)
	patches := s.patches(d.account, name)
	switch {
	case errors.Is(err, errConflict):
		conflict := element("collection", waBinary.Attrs{"name": name, "type": "error", "version": len(patches)}, errorNode(409, "conflict"))
		conflict.Content = append(conflict.GetChildren(), patchesNode(after(patches, known(asked))))
		return conflict
	case errors.Is(err, errCollectionFull):
		return element("collection", waBinary.Attrs{"name": name, "type": "error"}, errorNode(419, "resource-limit"))
	case err != nil:
		return element("collection", waBinary.Attrs{"name": name, "type": "error"}, errorNode(400, "bad-request"))
	}
	return element("collection", waBinary.Attrs{"name": name, "version": len(patches)})
}

// known is the version of a collection that a device has.
func known(asked *waBinary.Node) int { return int(attrInt(asked, "version")) }

func (a *account) collectionLocked(name string) *collection {
	if a.collections[name] == nil {
		a.collections[name] = &collection{snapshot: &snapshot{}}
	}
	return a.collections[name]
}

// patches are those of a collection up to now. They do not change.
func (s *Simulator) patches(a *account, name string) []patch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return a.collectionLocked(name).patches
}

func patchIn(asked *waBinary.Node) ([]byte, bool) {
	if raw := contentAt(asked, "patch"); raw != nil {
		return raw, true
	}
	raw := contentAt(asked, "patches", "patch")
	return raw, raw != nil
}

// after lists the patches that follow a version, as many as one answer holds.
func after(patches []patch, known int) []patch {
	known = min(max(known, 0), len(patches))
	return patches[known:min(len(patches), known+maxPatches)]
}

// news answers what follows a version, behind the snapshot of that version if there is one.
func news(name string, patches []patch, known int, snapshot []byte) waBinary.Node {
	attrs := waBinary.Attrs{"name": name, "version": max(len(patches), known)}
	if len(patches)-known > maxPatches {
		attrs["has_more_patches"] = "true"
	}
	var parts []waBinary.Node
	if snapshot != nil {
		parts = append(parts, leaf("snapshot", snapshot))
	}
	if following := after(patches, known); len(following) > 0 {
		parts = append(parts, patchesNode(following))
	}
	return element("collection", attrs, parts...)
}

func patchesNode(patches []patch) waBinary.Node {
	var nodes []waBinary.Node
	for _, p := range patches {
		nodes = append(nodes, leaf("patch", p.raw))
	}
	return element("patches", nil, nodes...)
}

// Refusals of a patch.
var (
	errConflict       = errors.New("the collection has a newer version")
	errCollectionFull = errors.New("the collection is full")
)

// maxCollection bounds the patches of a collection.
const maxCollection = 10_000

// addPatch takes a patch that was made upon a version, and tells the account's other devices. The author is nil for the
// phone.
func (s *Simulator) addPatch(a *account, name string, known int, raw []byte, author *device) error {
	p, err := newPatch(raw, known+1, s.media)
	s.mu.Lock()
	defer s.mu.Unlock()
	col := a.collectionLocked(name)
	switch {
	case known < len(col.patches):
		return errConflict
	case len(col.patches) >= maxCollection:
		return errCollectionFull
	case known > len(col.patches):
		return fmt.Errorf("%w: version %d is yet to come", errPatch, known)
	case err != nil:
		return err
	}
	col.patches = append(col.patches, p)
	a.announcePatchLocked(s, name, author)
	return nil
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
