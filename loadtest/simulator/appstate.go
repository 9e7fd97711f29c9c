package simulator

import (
	"strconv"

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
	version := len(col.patches)
	known = min(max(known, 0), version)
	raw, patching := patchIn(asked)
	switch {
	case patching && known < version:
		conflict := element("collection", waBinary.Attrs{"name": name, "type": "error", "version": version}, errorNode(409, "conflict"))
		conflict.Content = append(conflict.GetChildren(), col.patchesNode(known))
		return conflict
	case patching:
		if err := col.add(raw); err != nil {
			return element("collection", waBinary.Attrs{"name": name, "type": "error"}, errorNode(400, "bad-request"))
		}
		d.account.announcePatchLocked(s, name, d)
		return element("collection", waBinary.Attrs{"name": name, "version": len(col.patches)})
	}
	attrs := waBinary.Attrs{"name": name, "version": version}
	if version-known > maxPatches {
		attrs["has_more_patches"] = "true"
	}
	if version == known {
		return element("collection", attrs)
	}
	return element("collection", attrs, col.patchesNode(known))
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

func (c *collection) patchesNode(known int) waBinary.Node {
	var nodes []waBinary.Node
	for _, raw := range c.patches[known:min(len(c.patches), known+maxPatches)] {
		nodes = append(nodes, leaf("patch", raw))
	}
	return element("patches", nil, nodes...)
}

// add stores a patch under the next version, which the server writes into it.
func (c *collection) add(raw []byte) error {
	var patch waServerSync.SyncdPatch
	if err := proto.Unmarshal(raw, &patch); err != nil {
		return err
	}
	patch.Version = &waServerSync.SyncdVersion{Version: proto.Uint64(uint64(len(c.patches) + 1))}
	numbered, err := proto.Marshal(&patch)
	if err != nil {
		return err
	}
	c.patches = append(c.patches, numbered)
	return nil
}

// announcePatchLocked tells the account's other companions that a collection has grown.
func (a *account) announcePatchLocked(s *Simulator, name string, author *device) {
	for _, d := range a.devices {
		if d != author {
			attrs := waBinary.Attrs{"name": name, "version": len(a.collections[name].patches)}
			s.enqueueLocked(d, notification(a.pn, "server_sync", element("collection", attrs)))
		}
	}
}
