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
	if before := a.profile.picture; before != nil {
		delete(s.pictures, before.path)
	}
	change := element("delete", waBinary.Attrs{"jid": a.lid})
	if a.profile.picture = next; next != nil {
		s.pictures[next.path] = next
		change = element("set", waBinary.Attrs{"jid": a.lid, "id": next.id, "author": a.lid})
	}
	if !a.hidesLocked("profile") {
		s.tellContactsLocked(a, notification(a.lid, "picture", change))
	}
	s.tellOwnLocked(a, author, notification(a.pn, "account_sync", element("picture", nil)))
}

// setPicture takes a companion's new picture of its own account. Group pictures are not modelled.
func (s *Simulator) setPicture(_ *connection, d *device, request *waBinary.Node) waBinary.Node {
	if target := attrJID(request, "target"); !target.IsEmpty() && target.User != d.account.pn.User && target.User != d.account.lid.User {
		return failed(request, 405, "not-allowed")
	}
	var next *picture
	if full := contentAt(request, "picture"); len(full) > 0 {
		var err error
		if next, err = newPicture(full); err != nil {
			return failed(request, 406, "not-acceptable")
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setPictureLocked(d.account, d, next)
	if next == nil {
		return result(request)
	}
	return result(request, element("picture", waBinary.Attrs{"id": next.id}))
}

// getPicture tells where an account's picture can be fetched.
func (s *Simulator) getPicture(_ *connection, d *device, request *waBinary.Node) waBinary.Node {
	asked := request.GetChildByTag("picture")
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accountOfLocked(attrJID(request, "target"))
	switch {
	case a == nil || a.profile.picture == nil:
		return failed(request, 404, "item-not-found")
	case a != d.account && a.hidesLocked("profile"):
		return failed(request, 401, "not-authorized")
	case attr(&asked, "id") == a.profile.picture.id:
		return result(request, element("picture", waBinary.Attrs{"status": 304}))
	}
	size, path := attr(&asked, "type"), a.profile.picture.path
	if size != "preview" {
		size = "image"
	}
	path += "?size=" + size
	return result(request, element("picture", waBinary.Attrs{
		"id": a.profile.picture.id, "type": size, "direct_path": path, "url": s.serviceURL() + path,
	}))
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
