package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
)

// mediaHosts are the real service's names. They are served by the same listener as everything else.
var mediaHosts = []string{"mmg.whatsapp.net", "mmg-fallback.whatsapp.net"}

// What the real service was seen to answer, in seconds but for the last: how long hosts and auth are good, and over how
// many buckets media is spread.
const (
	mediaTTL     = 300
	mediaAuthTTL = 21600
	mediaBuckets = 12
)

// answerMediaConn tells a companion where media is kept and what lets it upload.
func (s *Simulator) answerMediaConn(_ *connection, d *device, request *waBinary.Node) waBinary.Node {
	var hosts []waBinary.Node
	for _, name := range mediaHosts {
		hosts = append(hosts, element("host", waBinary.Attrs{"hostname": name}))
	}
	return result(request, element("media_conn", waBinary.Attrs{
		"auth": s.mediaAuth(d.account.number), "ttl": mediaTTL, "auth_ttl": mediaAuthTTL, "max_buckets": mediaBuckets,
	}, hosts...))
}

// mediaAuth names an account to the media servers in a way that others cannot.
func (s *Simulator) mediaAuth(number string) string {
	h := hmac.New(sha256.New, s.options.RootKey[:])
	h.Write([]byte("media " + number))
	return number + "." + hex.EncodeToString(h.Sum(nil))
}

// uploader is the account that a request to the media servers was authorised for.
func (s *Simulator) uploader(r *http.Request) (number string, ok bool) {
	auth := r.FormValue("auth")
	number, _, _ = strings.Cut(auth, ".")
	return number, hmac.Equal([]byte(auth), []byte(s.mediaAuth(number)))
}

// newsletterUploads is where what is not encrypted is left.
const newsletterUploads = "/newsletter/"

// serviceRoutes is what clients reach: media and pictures by their paths, and the websocket on any other.
func (s *Simulator) serviceRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /mms/{kind}/{token}", s.counted(s.serveUpload))
	mux.HandleFunc("POST "+newsletterUploads+"{kind}/{token}", s.counted(s.serveUpload))
	mux.HandleFunc("DELETE /mms/{kind}/{token}", s.counted(s.serveMediaDelete))
	mux.HandleFunc("GET /v/{bucket}/{name}", s.counted(s.serveDownload))
	mux.HandleFunc("GET "+picturePath, s.counted(s.servePicture))
	mux.HandleFunc("/", s.serveSocket)
	return mux
}

// counted makes closing wait for a handler, and refuses requests that come later.
func (s *Simulator) counted(handle http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.tasks.enter() {
			http.Error(w, "closing", http.StatusServiceUnavailable)
			return
		}
		defer s.tasks.leave()
		handle(w, r)
	}
}

// uploadAnswer is what whatsmeow reads of the answer to an upload.
type uploadAnswer struct {
	URL        string `json:"url"`
	DirectPath string `json:"direct_path"`
	Handle     string `json:"handle"`
	ObjectID   string `json:"object_id"`
}

// serveUpload keeps a blob. The token in its path is the blob's hash.
func (s *Simulator) serveUpload(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(mediaTimeout))
	number, ok := s.uploader(r)
	if !ok {
		http.Error(w, "wrong auth", http.StatusUnauthorized)
		return
	}
	fault := s.faults.strike(opUpload, number)
	blob, err := s.readUpload(r, fault, http.MaxBytesReader(w, r.Body, maxUpload))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	hash := sha256.Sum256(blob)
	if err != nil || r.PathValue("token") != base64.URLEncoding.EncodeToString(hash[:]) {
		http.Error(w, "the token is not the body's hash", http.StatusBadRequest)
		return
	}
	if s.suffersHTTP(w, r, fault) {
		return
	}
	if fault.is(actionMalformed, 2) {
		blob = withBitTurned(blob)
	}
	var path string
	handle := randomHex(8)
	if strings.HasPrefix(r.URL.Path, newsletterUploads) {
		path, handle = s.media.putOpenly(blob)
	} else {
		path = s.media.put(blob)
	}
	if fault.is(actionMalformed, 1) {
		_, _ = io.WriteString(w, "stored") // the client is gone
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(uploadAnswer{ //nolint:errchkjson // the client is gone
		URL: mediaURL(path), DirectPath: path, Handle: handle, ObjectID: randomHex(8),
	})
}

// mediaTimeout bounds the transfer of one blob in either direction.
const mediaTimeout = 2 * time.Minute

func mediaURL(directPath string) string { return "https://" + mediaHosts[0] + directPath }

func (s *Simulator) serveDownload(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(mediaTimeout))
	fault := s.faults.strike(opDownload, "")
	if s.suffersHTTP(w, r, fault) {
		return
	}
	blob, status := s.media.get(r.URL.Path)
	if status != http.StatusOK {
		http.Error(w, http.StatusText(status), status)
		return
	}
	s.serveFile(w, r, fault, blob)
}

// serveMediaDelete forgets a blob, as clients ask for with history that they have read. It is answered alike whether
// there was one or not.
func (s *Simulator) serveMediaDelete(w http.ResponseWriter, r *http.Request) {
	path, err := base64.RawURLEncoding.DecodeString(r.FormValue("d_md"))
	if _, ok := s.uploader(r); !ok || err != nil {
		http.Error(w, "wrong auth or path", http.StatusUnauthorized)
		return
	}
	s.media.remove(string(path))
}

// ExpireMedia makes the media servers refuse a file from now on: with status 404 for one they do not know, or 410 for
// one that they kept for its time. Its sender's phone can upload it again.
func (s *Simulator) ExpireMedia(directPath string, status int) error {
	if status != http.StatusNotFound && status != http.StatusGone {
		return errExpireStatus
	}
	return s.media.expire(directPath, status)
}

var errExpireStatus = fmt.Errorf("%w: status: media expires with 404 or 410", ErrBadDraft)
