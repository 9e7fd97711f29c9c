package simulator

import (
	"context"
	"net/http"
)

type enterCodeBody struct {
	Code string `json:"code" doc:"eight characters, with or without a dash"`
}

// codeLength is that of a pairing code without its dash.
const codeLength = 8

func controlEnterCode(p *Phone, r *http.Request, body enterCodeBody) (v phoneView, err error) {
	if length := len(undash(body.Code)); length != codeLength {
		return v, badField("code", "want %d characters, not %d", codeLength, length)
	}
	ctx, cancel := context.WithTimeout(r.Context(), scanTimeout)
	defer cancel()
	if err := p.EnterCode(ctx, body.Code); err != nil {
		return v, err
	}
	return p.view(), nil
}
