package simulator

import "net/http"

type listedBody struct {
	IDs []string `json:"ids" doc:"of all messages that the device lists"`
}

type listedView struct {
	Missing []string `json:"missing" doc:"those that the device has acknowledged and does not list"`
}

func controlListed(p *Phone, r *http.Request, body listedBody) (v listedView, err error) {
	device, err := deviceIn(r)
	if err != nil {
		return v, err
	}
	if body.IDs == nil {
		return v, badField("ids", "missing; a device that lists nothing has an empty list")
	}
	missing, err := p.Listed(device, body.IDs)
	return listedView{append([]string{}, missing...)}, err
}
