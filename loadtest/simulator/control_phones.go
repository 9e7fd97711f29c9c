package simulator

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
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
	Name      string `json:"name"`    // as the phone lists it
	Version   string `json:"version"` // of WhatsApp Web, as the last login announced it
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
			Device: e.number, JID: e.pn().String(), LID: e.lid().String(), Name: d.wish.name, Version: d.version,
			Connected: d.connection != nil, PreKeys: len(d.keys.oneTime), Pending: len(d.queue),
		})
	}
	return v
}

// How many phones are listed: unless said, and at most.
const (
	listedPhones    = 100
	maxListedPhones = 1000
)

var listParameters = []*huma.Param{
	{Name: "find", In: "query", Description: "A part of the number or of the name", Schema: &huma.Schema{Type: "string"}},
	{
		Name: "limit", In: "query", Schema: &huma.Schema{Type: "integer"},
		Description: fmt.Sprintf("How many to list, %d if left out, at most %d", listedPhones, maxListedPhones),
	},
}

// listing marks the route that answers phones.
func (r route) listing() route {
	r.query = listParameters
	return r
}

// phoneList are the first of the phones that match.
type phoneList struct {
	Phones []phoneView `json:"phones"`
	Total  int         `json:"total"` // all that match
}

func (s *Simulator) controlPhones(r *http.Request, _ none) (list phoneList, err error) {
	limit, err := numberIn(r, "limit", listedPhones)
	if err != nil || limit > maxListedPhones {
		return list, badField("limit", "want a number up to %d", maxListedPhones)
	}
	phones := s.phonesLike(r.FormValue("find"))
	list = phoneList{Phones: []phoneView{}, Total: len(phones)}
	for _, p := range phones[:min(limit, len(phones))] {
		list.Phones = append(list.Phones, p.view())
	}
	return list, nil
}

// phonesLike are the phones whose number or name holds the text, in the order of their numbers.
func (s *Simulator) phonesLike(part string) []*Phone {
	part = strings.ToLower(part)
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*Phone
	for _, a := range s.accounts {
		if strings.Contains(a.number, part) || strings.Contains(strings.ToLower(a.name), part) {
			found = append(found, a.phone)
		}
	}
	slices.SortFunc(found, func(a, b *Phone) int { return cmp.Compare(a.Number(), b.Number()) })
	return found
}

// addPhonesBody asks for one phone, by number and name, or for many, by prefix and count.
type addPhonesBody struct {
	Number string `json:"number,omitempty" doc:"digits only"`
	Name   string `json:"name,omitempty"`
	Prefix string `json:"prefix,omitempty" doc:"of the numbers, followed by six digits"`
	Count  int    `json:"count,omitempty"`
}

// addedPhones is the phone that was asked for, or else all of them.
type addedPhones struct {
	*phoneView
	Phones []phoneView `json:"phones,omitempty"`
}

// Schema says that it is one or the other.
func (addedPhones) Schema(schemas huma.Registry) *huma.Schema {
	phone := schemas.Schema(reflect.TypeFor[phoneView](), true, "")
	many := &huma.Schema{
		Type: huma.TypeObject, Required: []string{"phones"},
		Properties: map[string]*huma.Schema{"phones": {Type: huma.TypeArray, Items: phone}},
	}
	return &huma.Schema{OneOf: []*huma.Schema{phone, many}}
}

func (s *Simulator) controlAddPhones(_ *http.Request, body addPhonesBody) (added addedPhones, err error) {
	switch {
	case body.Number != "" && (body.Count != 0 || body.Prefix != ""):
		return added, badField("number", "give either number and name, or count and prefix")
	case body.Number != "":
		phone, err := s.AddPhone(body.Number, body.Name)
		if err != nil {
			return added, err
		}
		view := phone.view()
		return addedPhones{phoneView: &view}, nil
	case body.Prefix == "":
		return added, badField("number", "missing; or give count and prefix")
	case body.Count < 1 || body.Count > maxPhonesAtOnce:
		return added, badField("count", "want 1 to %d", maxPhonesAtOnce)
	}
	for i := range body.Count {
		phone, err := s.AddPhone(fmt.Sprintf("%s%06d", body.Prefix, i), fmt.Sprintf("Phone %d", i))
		if err != nil {
			return added, err
		}
		added.Phones = append(added.Phones, phone.view())
	}
	return added, nil
}

func controlPhone(p *Phone, _ *http.Request, _ none) (phoneView, error) { return p.view(), nil }

func controlOnline(p *Phone, _ *http.Request, _ none) (phoneView, error) {
	p.SetOnline(true)
	return p.view(), nil
}

func controlOffline(p *Phone, _ *http.Request, _ none) (phoneView, error) {
	p.SetOnline(false)
	return p.view(), nil
}

type scanBody struct {
	QR string `json:"qr" doc:"the text of the QR code"`
}

func controlScan(p *Phone, r *http.Request, body scanBody) (v phoneView, err error) {
	if body.QR == "" {
		return v, badField("qr", "missing")
	}
	ctx, cancel := context.WithTimeout(r.Context(), scanTimeout)
	defer cancel()
	if err := p.Scan(ctx, body.QR); err != nil {
		return v, err
	}
	return p.view(), nil
}

func controlReceipts(p *Phone, r *http.Request, _ none) ([]ReceivedReceipt, error) {
	return poll(r, p.receipts)
}

// receiptKinds are the receipts that a phone can be asked for.
var receiptKinds = []string{"delivered", "inactive", "read", "read-self", "played", "played-self"}

type receiptBody struct {
	Chat string   `json:"chat" doc:"a number, a JID or a LID"`
	IDs  []string `json:"ids"`
	Type string   `json:"type" enum:"delivered,inactive,read,read-self,played,played-self"`
}

func controlSendReceipt(p *Phone, r *http.Request, body receiptBody) (none, error) {
	switch {
	case body.Chat == "":
		return none{}, badField("chat", "missing")
	case len(body.IDs) == 0:
		return none{}, badField("ids", "missing")
	case !slices.Contains(receiptKinds, body.Type):
		return none{}, badField("type", "want one of %q", receiptKinds)
	}
	kind := types.ReceiptType(body.Type)
	if body.Type == "delivered" {
		kind = types.ReceiptTypeDelivered
	}
	if err := p.SendReceipt(r.Context(), body.Chat, kind, body.IDs...); err != nil {
		return none{}, fmt.Errorf("chat: %w", err)
	}
	return none{}, nil
}

type autoReplyBody struct {
	Mode string `json:"mode" enum:"echo,off"`
}

func controlAutoReply(p *Phone, _ *http.Request, body autoReplyBody) (none, error) {
	if body.Mode != "echo" && body.Mode != "off" {
		return none{}, badField("mode", "want echo or off")
	}
	p.SetAutoReply(body.Mode == "echo")
	return none{}, nil
}

func controlUnlink(p *Phone, r *http.Request, _ none) (none, error) {
	device, err := deviceIn(r)
	if err != nil {
		return none{}, err
	}
	return none{}, p.Unlink(r.Context(), device)
}

// deviceIn is the device that the path names.
func deviceIn(r *http.Request) (uint16, error) {
	device, err := strconv.ParseUint(r.PathValue("device"), 10, 16)
	if err != nil {
		return 0, badField("device", "want a device number")
	}
	return uint16(device), nil
}
