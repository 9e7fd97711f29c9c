package simulator

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"go.mau.fi/whatsmeow/types"
)

// scanTimeout bounds how long a scan waits for the companion's answer.
const scanTimeout = 30 * time.Second

// maxPhonesAtOnce bounds one request; its phones are numbered with six digits.
const maxPhonesAtOnce = 100_000

// phoneView is a phone as the control API shows it.
type phoneView struct {
	Number  string       `json:"number"`
	Name    string       `json:"name"`
	JID     string       `json:"jid"`
	LID     string       `json:"lid"`
	Online  bool         `json:"online"`
	Devices []deviceView `json:"devices"`
}

type deviceView struct {
	Device    uint16 `json:"device"`
	JID       string `json:"jid"`
	LID       string `json:"lid"`
	Connected bool   `json:"connected"`
	PreKeys   int    `json:"preKeys"` // one-time prekeys left on the server
	Pending   int    `json:"pending"` // stanzas not confirmed
}

func (p *Phone) view() phoneView {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	a := p.account
	v := phoneView{Number: a.number, Name: a.name, JID: a.pn.String(), LID: a.lid.String(), Online: p.Online(), Devices: []deviceView{}}
	for _, e := range a.endpointsLocked()[1:] {
		d := a.devices[e.number]
		v.Devices = append(v.Devices, deviceView{
			Device: e.number, JID: e.pn().String(), LID: e.lid().String(),
			Connected: d.connection != nil, PreKeys: len(d.keys.oneTime), Pending: len(d.queue),
		})
	}
	return v
}

// controlAddPhones makes one phone from number and name, or many from count and prefix: the prefix followed by six
// digits.
func (s *Simulator) controlAddPhones(r *http.Request) (any, error) {
	body, err := readBody[struct {
		Number, Name, Prefix string
		Count                int
	}](r)
	if err != nil {
		return nil, err
	}
	switch {
	case body.Number != "" && (body.Count != 0 || body.Prefix != ""):
		return nil, badField("number", "give either number and name, or count and prefix")
	case body.Number != "":
		phone, err := s.AddPhone(body.Number, body.Name)
		if err != nil {
			return nil, err
		}
		return created{phone.view()}, nil
	case body.Prefix == "":
		return nil, badField("number", "missing; or give count and prefix")
	case body.Count < 1 || body.Count > maxPhonesAtOnce:
		return nil, badField("count", "want 1 to %d", maxPhonesAtOnce)
	}
	views := []phoneView{}
	for i := range body.Count {
		phone, err := s.AddPhone(fmt.Sprintf("%s%06d", body.Prefix, i), fmt.Sprintf("Phone %d", i))
		if err != nil {
			return nil, err
		}
		views = append(views, phone.view())
	}
	return created{map[string]any{"phones": views}}, nil
}

// withPhone finds the phone that the path names.
func (s *Simulator) withPhone(handle func(p *Phone, r *http.Request) (any, error)) controlHandler {
	return func(r *http.Request) (any, error) {
		p, ok := s.Phone(r.PathValue("number"))
		if !ok {
			return nil, fmt.Errorf("number %q: %w", r.PathValue("number"), ErrUnknownPhone)
		}
		return handle(p, r)
	}
}

func controlPhone(p *Phone, _ *http.Request) (any, error) { return p.view(), nil }

func controlOnline(p *Phone, _ *http.Request) (any, error) {
	p.SetOnline(true)
	return p.view(), nil
}

func controlOffline(p *Phone, _ *http.Request) (any, error) {
	p.SetOnline(false)
	return p.view(), nil
}

func controlScan(p *Phone, r *http.Request) (any, error) {
	body, err := readBody[struct{ QR string }](r)
	if err != nil {
		return nil, err
	}
	if body.QR == "" {
		return nil, badField("qr", "missing")
	}
	ctx, cancel := context.WithTimeout(r.Context(), scanTimeout)
	defer cancel()
	if err := p.Scan(ctx, body.QR); err != nil {
		return nil, err
	}
	return p.view(), nil
}

func controlSend(p *Phone, r *http.Request) (any, error) {
	body, err := readBody[struct{ To, Text, Addressing string }](r)
	if err != nil {
		return nil, err
	}
	mode := types.AddressingMode(body.Addressing)
	switch {
	case body.To == "":
		return nil, badField("to", "missing")
	case body.Text == "":
		return nil, badField("text", "missing")
	case mode == "":
		mode = types.AddressingModeLID
	case mode != types.AddressingModeLID && mode != types.AddressingModePN:
		return nil, badField("addressing", "want lid or pn")
	}
	id, err := p.SendTextAs(r.Context(), body.To, body.Text, mode)
	if err != nil {
		return nil, fmt.Errorf("to: %w", err)
	}
	return created{map[string]string{"id": id}}, nil
}

func controlMessages(p *Phone, r *http.Request) (any, error) { return poll(r, p.messages) }

func controlReceipts(p *Phone, r *http.Request) (any, error) { return poll(r, p.receipts) }

func controlSendReceipt(p *Phone, r *http.Request) (any, error) {
	body, err := readBody[struct {
		Chat, Type string
		IDs        []string
	}](r)
	if err != nil {
		return nil, err
	}
	switch {
	case body.Chat == "":
		return nil, badField("chat", "missing")
	case len(body.IDs) == 0:
		return nil, badField("ids", "missing")
	case body.Type != "read" && body.Type != "played" && body.Type != "delivered":
		return nil, badField("type", "want read, played or delivered")
	}
	kind := types.ReceiptType(body.Type)
	if body.Type == "delivered" {
		kind = types.ReceiptTypeDelivered
	}
	if err := p.SendReceipt(r.Context(), body.Chat, kind, body.IDs...); err != nil {
		return nil, fmt.Errorf("chat: %w", err)
	}
	return nil, nil
}

func controlAutoReply(p *Phone, r *http.Request) (any, error) {
	body, err := readBody[struct{ Mode string }](r)
	if err != nil {
		return nil, err
	}
	if body.Mode != "echo" && body.Mode != "off" {
		return nil, badField("mode", "want echo or off")
	}
	p.SetAutoReply(body.Mode == "echo")
	return nil, nil
}

func controlUnlink(p *Phone, r *http.Request) (any, error) {
	device, err := strconv.ParseUint(r.PathValue("device"), 10, 16)
	if err != nil {
		return nil, badField("device", "want a device number")
	}
	return nil, p.Unlink(r.Context(), uint16(device))
}
