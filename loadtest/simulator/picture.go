package simulator

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"net/http"
	"strconv"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// picture is a profile picture in both sizes. It does not change; a new picture has a new id and path.
type picture struct {
	id, path      string
	full, preview []byte // JPEG
}

const (
	previewSize = 96   // width and height of a preview
	maxPicture  = 4096 // width and height of a picture
	// picturePath is where the service listener serves pictures.
	picturePath = "/profile-pictures/"
)

// newPicture takes a JPEG.
func newPicture(full []byte) (*picture, error) {
	config, err := jpeg.DecodeConfig(bytes.NewReader(full))
	if err != nil {
		return nil, fmt.Errorf("%w: the picture is no JPEG: %w", ErrBadProfile, err)
	}
	if config.Width > maxPicture || config.Height > maxPicture {
		return nil, fmt.Errorf("%w: the picture is larger than %d pixels", ErrBadProfile, maxPicture)
	}
	decoded, err := jpeg.Decode(bytes.NewReader(full))
	if err != nil {
		return nil, fmt.Errorf("%w: the picture is no JPEG: %w", ErrBadProfile, err)
	}
	preview, err := shrink(decoded)
	if err != nil {
		return nil, fmt.Errorf("%w: preview: %w", ErrBadProfile, err)
	}
	id := strconv.FormatUint(uint64(rand.Uint32()), 10)
	return &picture{id: id, path: picturePath + id + "-" + randomHex(8), full: full, preview: preview}, nil
}

// shrink is the preview of a picture, by its nearest pixels.
func shrink(full image.Image) ([]byte, error) {
	bounds, small := full.Bounds(), image.NewRGBA(image.Rect(0, 0, previewSize, previewSize))
	for y := range previewSize {
		for x := range previewSize {
			small.Set(x, y, full.At(bounds.Min.X+x*bounds.Dx()/previewSize, bounds.Min.Y+y*bounds.Dy()/previewSize))
		}
	}
	var out bytes.Buffer
	err := jpeg.Encode(&out, small, nil)
	return out.Bytes(), err
}

// SetPicture changes the account's profile picture, a JPEG of at most 4096 pixels in each direction, and returns its
// id. Who knows the account is told, unless its privacy hides it. No bytes remove the picture.
func (p *Phone) SetPicture(_ context.Context, full []byte) (id string, err error) {
	var next *picture
	if len(full) > 0 {
		if next, err = newPicture(full); err != nil {
			return "", err
		}
		id = next.id
	}
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.sim.setPictureLocked(p.account, nil, next)
	return id, nil
}

// setPictureLocked changes a picture, or removes it, and tells who may know.
func (s *Simulator) setPictureLocked(a *account, author *device, next *picture) {
	s.servedLocked(a.profile.picture, next)
	a.profile.picture = next
	change := next.change(a.lid, a.lid)
	if !a.hidesLocked("profile") {
		s.tellContactsLocked(a, notification(a.lid, "picture", change))
	}
	s.tellOwnLocked(a, author, notification(a.pn, "account_sync", element("picture", nil)))
}

// servedLocked makes the service listener serve a picture in place of the one before. Either may be nil.
func (s *Simulator) servedLocked(before, next *picture) {
	if before != nil {
		delete(s.pictures, before.path)
	}
	if next != nil {
		s.pictures[next.path] = next
	}
}

// change tells whose picture this is from now on, or that it has none.
func (p *picture) change(of, author types.JID) waBinary.Node {
	if p == nil {
		return element("delete", waBinary.Attrs{"jid": of, "author": author})
	}
	return element("set", waBinary.Attrs{"jid": of, "id": p.id, "author": author})
}

// setPicture takes a companion's new picture of its own account or of a group.
func (s *Simulator) setPicture(_ *connection, d *device, request *waBinary.Node) waBinary.Node {
	target := attrJID(request, "target")
	own := target.IsEmpty() || target.User == d.account.pn.User || target.User == d.account.lid.User
	if !own && target.Server != types.GroupServer {
		return failed(request, 405, "not-allowed")
	}
	var next *picture
	if full := contentAt(request, "picture"); len(full) > 0 {
		var err error
		if next, err = newPicture(full); err != nil {
			return failed(request, 406, "not-acceptable")
		}
	}
	if err := s.changePicture(d, target, own, next); err != nil {
		code, text := groupRefusal(err)
		return failed(request, code, text)
	}
	if next == nil {
		return result(request)
	}
	return result(request, element("picture", waBinary.Attrs{"id": next.id}))
}

func (s *Simulator) changePicture(d *device, target types.JID, own bool, next *picture) error {
	if !own {
		return s.actOn(d.account, target, func(a groupAct) error { return a.setPicture(next) })
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setPictureLocked(d.account, d, next)
	return nil
}

// getPicture tells where the picture of an account or a group can be fetched.
func (s *Simulator) getPicture(_ *connection, d *device, request *waBinary.Node) waBinary.Node {
	asked := request.GetChildByTag("picture")
	s.mu.Lock()
	defer s.mu.Unlock()
	shown, may := s.pictureOfLocked(d.account, attrJID(request, "target"), attr(&asked, "invite"))
	switch {
	case shown == nil:
		return failed(request, 404, "item-not-found")
	case !may:
		return failed(request, 401, "not-authorized")
	}
	return result(request, s.pictureNode(shown, &asked))
}

// pictureOfLocked finds the picture of an account or a group, and tells whether somebody may see it: a group's is for
// its members and who has the code of its link.
func (s *Simulator) pictureOfLocked(by *account, target types.JID, invite string) (shown *picture, may bool) {
	if g := s.groups[target]; g != nil {
		return g.picture, g.has(by) || invite == g.invite
	}
	a := s.accountOfLocked(target)
	if a == nil {
		return nil, false
	}
	return a.profile.picture, a == by || !a.hidesLocked("profile")
}

// pictureNode tells where a picture can be fetched in the size that is asked for, unless it is known already.
func (s *Simulator) pictureNode(shown *picture, asked *waBinary.Node) waBinary.Node {
	if attr(asked, "id") == shown.id {
		return element("picture", waBinary.Attrs{"status": 304})
	}
	size := attr(asked, "type")
	if size != "preview" {
		size = "image"
	}
	path := shown.path + "?size=" + size
	return element("picture", waBinary.Attrs{"id": shown.id, "type": size, "direct_path": path, "url": s.serviceURL() + path})
}

// serviceURL is where the service listener answers plain HTTP requests.
func (s *Simulator) serviceURL() string {
	if s.options.Plain {
		return "http://" + s.service.address()
	}
	return "https://" + s.service.address()
}

// servePicture answers with the bytes of a picture that is still somebody's.
func (s *Simulator) servePicture(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	shown := s.pictures[r.URL.Path]
	s.mu.Unlock()
	if shown == nil {
		http.NotFound(w, r)
		return
	}
	body := shown.full
	if r.FormValue("size") == "preview" {
		body = shown.preview
	}
	w.Header().Set("Content-Type", "image/jpeg")
	_, _ = w.Write(body)
}
