package simulator

import (
	"context"
	"crypto/rand"
	"fmt"
	"regexp"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// codeOffer is a companion's wish to be linked with an eight-character code, which only it and whoever reads its screen
// know. It is as old as its connection at most. Guarded by Simulator.mu.
type codeOffer struct {
	account *account
	ref     []byte
	wrapped []byte          // the companion's ephemeral key under the code
	finish  chan codeFinish // the phone's attempt in progress, nil between attempts; capacity 1
}

// codeFinish is the companion's answer to a phone, or why there is none.
type codeFinish struct {
	bundle []byte
	err    error
}

// companionDisplay is "Browser (OS)"; the service refuses anything else.
var companionDisplay = regexp.MustCompile(`^[A-Za-z][A-Za-z ]* \([A-Za-z][A-Za-z ]*\)$`)

const codeRefSize = 16

// linkCodeLocked answers a companion that is to be linked by code: first its wish, then its half of the keys.
func (s *Simulator) linkCodeLocked(c *connection, request, link *waBinary.Node) waBinary.Node {
	switch attr(link, "stage") {
	case "companion_hello":
		return s.offerCodeLocked(c, request, link)
	case "companion_finish":
		offer := c.registration.offer
		if offer == nil || offer.finish == nil || string(contentAt(link, "link_code_pairing_ref")) != string(offer.ref) {
			return failed(request, 404, "item-not-found")
		}
		offer.settle(codeFinish{bundle: contentAt(link, "link_code_pairing_wrapped_key_bundle")})
		return result(request)
	default:
		return failed(request, 400, "bad-request")
	}
}

// offerCodeLocked keeps a companion's wish, in place of any earlier one for the same phone.
func (s *Simulator) offerCodeLocked(c *connection, request, link *waBinary.Node) waBinary.Node {
	wrapped := contentAt(link, "link_code_pairing_wrapped_companion_ephemeral_pub")
	noise := contentAt(link, "companion_server_auth_key_pub")
	display := string(contentAt(link, "companion_platform_display"))
	if len(wrapped) != wrappedKeySize || string(noise) != string(c.noiseKey[:]) || !companionDisplay.MatchString(display) {
		return failed(request, 400, "bad-request")
	}
	a := s.accountOfLocked(attrJID(link, "jid"))
	if a == nil {
		return failed(request, 404, "item-not-found")
	}
	c.registration.withdrawOfferLocked(c)
	ref := make([]byte, codeRefSize)
	_, _ = rand.Read(ref) // never fails
	c.registration.offer, a.linking = &codeOffer{account: a, ref: ref, wrapped: wrapped}, c
	s.notef(a.number, "%s asks to be linked by code", display)
	return result(request, element("link_code_companion_reg", waBinary.Attrs{"stage": "companion_hello"},
		leaf("link_code_pairing_ref", ref)))
}

// settle ends the attempt in progress, if there is one.
func (o *codeOffer) settle(finish codeFinish) {
	if o.finish != nil {
		o.finish <- finish
		o.finish = nil
	}
}

// withdrawOfferLocked forgets what a companion wished.
func (r *registration) withdrawOfferLocked(c *connection) {
	if r.offer == nil {
		return
	}
	r.offer.settle(codeFinish{err: ErrCompanionGone})
	if r.offer.account.linking == c {
		r.offer.account.linking = nil
	}
	r.offer = nil
}

// takeOffer begins an attempt with the code that a companion is showing for the phone.
func (p *Phone) takeOffer() (*connection, *codeOffer, <-chan codeFinish, error) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	c := p.account.linking
	if c == nil {
		return nil, nil, nil, ErrNoCode
	}
	offer := c.registration.offer
	if offer.finish != nil {
		return nil, nil, nil, fmt.Errorf("%w: another code is being tried", ErrPairing)
	}
	finish := make(chan codeFinish, 1)
	offer.finish = finish
	return c, offer, finish, nil
}

// greet sends the phone's half of the keys to the companion and waits for the other half.
func (p *Phone) greet(ctx context.Context, c *connection, offer *codeOffer, finish <-chan codeFinish, wrapped []byte) ([]byte, error) {
	identity := p.identity()
	c.push(notification(types.ServerJID, "link_code_companion_reg",
		element("link_code_companion_reg", waBinary.Attrs{"stage": "primary_hello"},
			leaf("link_code_pairing_ref", offer.ref),
			leaf("link_code_pairing_wrapped_primary_ephemeral_pub", wrapped),
			leaf("primary_identity_pub", identity[:]))))
	select {
	case answer := <-finish:
		return answer.bundle, answer.err
	case <-ctx.Done():
		p.sim.mu.Lock()
		defer p.sim.mu.Unlock()
		offer.finish = nil
		return nil, ctx.Err()
	}
}
