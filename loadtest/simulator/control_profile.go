package simulator

import (
	"net/http"
	"time"
)

type aboutBody struct {
	Text string `json:"text"`
}

func controlAbout(p *Phone, r *http.Request, body aboutBody) (none, error) {
	return none{}, p.SetAbout(r.Context(), body.Text)
}

type pictureBody struct {
	JPEG []byte `json:"jpeg,omitempty" doc:"base64; removes the picture if left out"`
}

func controlPicture(p *Phone, r *http.Request, body pictureBody) (v idView, err error) {
	v.ID, err = p.SetPicture(r.Context(), body.JPEG)
	return v, err
}

func controlBusiness(p *Phone, r *http.Request, body Business) (none, error) {
	return none{}, p.SetBusiness(r.Context(), body)
}

type linkView struct {
	Link string `json:"link"`
}

func controlContactLink(p *Phone, _ *http.Request, _ none) (linkView, error) {
	return linkView{p.ContactLink()}, nil
}

type restrictBody struct {
	Until time.Time `json:"until,omitzero" doc:"ends the restriction if left out"`
	Type  string    `json:"type,omitempty"`
}

func controlRestrict(p *Phone, r *http.Request, body restrictBody) (none, error) {
	return none{}, p.Restrict(r.Context(), body.Until, body.Type)
}

func controlReinstall(p *Phone, r *http.Request, _ none) (phoneView, error) {
	p.Reinstall(r.Context())
	return p.view(), nil
}

func controlExhaust(p *Phone, r *http.Request, _ none) (none, error) {
	device, err := deviceIn(r)
	if err != nil {
		return none{}, err
	}
	return none{}, p.ExhaustPreKeys(r.Context(), device)
}
