package simulator

import (
	"fmt"
	"net/http"
)

// idView names what was made.
type idView struct {
	ID string `json:"id"`
}

func controlSend(p *Phone, r *http.Request, body Draft) (v idView, err error) {
	v.ID, err = p.SendDraft(r.Context(), body)
	return v, err
}

func controlMessages(p *Phone, r *http.Request, _ none) ([]ReceivedMessage, error) {
	return poll(r, p.messages)
}

func controlSent(p *Phone, r *http.Request, _ none) ([]SentMessage, error) {
	return poll(r, p.written)
}

// mediaView is a file of a message.
type mediaView struct {
	MIME string `json:"mime"`
	Data []byte `json:"data"`
}

func controlMedia(p *Phone, r *http.Request, _ none) (mediaView, error) {
	file, mime, err := p.Media(r.Context(), r.PathValue("id"))
	return mediaView{mime, file}, err
}

type expireBody struct {
	Status int `json:"status" enum:"404,410"`
}

// controlExpire makes the media servers lose the file of a message.
func controlExpire(p *Phone, r *http.Request, body expireBody) (none, error) {
	known, err := p.known(r.PathValue("id"))
	if err != nil {
		return none{}, err
	}
	file, _ := fileIn(innermost(known.message))
	if file == nil {
		return none{}, fmt.Errorf("message %q: %w", r.PathValue("id"), ErrNoMedia)
	}
	return none{}, p.sim.ExpireMedia(file.GetDirectPath(), body.Status)
}
