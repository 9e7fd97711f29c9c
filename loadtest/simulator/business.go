package simulator

import (
	"context"
	"fmt"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waVnameCert"
	"google.golang.org/protobuf/proto"
)

// Business is what a business account shows of itself.
type Business struct {
	Name     string `json:"name"` // the verified name
	Address  string `json:"address,omitempty"`
	Email    string `json:"email,omitempty"`
	Category string `json:"category,omitempty"`
	// certificate holds the verified name as the service hands it out.
	certificate []byte
}

// SetBusiness makes the account a business, or changes what it shows.
func (p *Phone) SetBusiness(_ context.Context, business Business) error {
	if business.Name == "" {
		return fmt.Errorf("%w: a business needs a name", ErrBadProfile)
	}
	details, err := proto.Marshal(&waVnameCert.VerifiedNameCertificate_Details{
		Serial: proto.Uint64(1), Issuer: proto.String("smb:wa"), VerifiedName: &business.Name,
	})
	if err != nil {
		return err
	}
	if business.certificate, err = proto.Marshal(&waVnameCert.VerifiedNameCertificate{Details: details}); err != nil {
		return err
	}
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.account.profile.business = &business
	return nil
}

// verifiedName is the certificate of a business's name; its signature is left out, since clients do not check it.
func (b *Business) verifiedName() waBinary.Node {
	return waBinary.Node{
		Tag: "verified_name", Content: b.certificate,
		Attrs: waBinary.Attrs{"v": 1, "verified_level": "unknown", "host_storage": 1, "actual_actors": 2, "privacy_mode_ts": now()},
	}
}

// businessProfile answers with what a business shows; for others the answer is empty.
func (s *Simulator) businessProfile(_ *connection, _ *device, request *waBinary.Node) waBinary.Node {
	asked, _ := request.GetOptionalChildByTag("business_profile", "profile")
	jid := attrJID(&asked, "jid")
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accountOfLocked(jid)
	if a == nil || a.profile.business == nil {
		return result(request, element("business_profile", nil))
	}
	b := a.profile.business
	category := waBinary.Node{Tag: "category", Attrs: waBinary.Attrs{"id": "1"}, Content: []byte(b.Category)}
	return result(request, element("business_profile", nil, element("profile", waBinary.Attrs{"jid": jid},
		leaf("address", []byte(b.Address)), leaf("email", []byte(b.Email)), element("categories", nil, category))))
}
