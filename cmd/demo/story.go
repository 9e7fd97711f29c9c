package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"whatsapp-web-server/loadtest/simulator"
)

// The cast. Shop and Office are accounts of the server, linked to the phones of
// these numbers; Ann is somebody who writes to them.
const (
	shop   = "31600000001"
	office = "31600000002"
	ann    = "31600000003"
	desk   = "31600000004" // appears in the cheat sheet
)

// tellWithin tells the story, for at most the given time.
func (s *stage) tellWithin(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it took longer than %s", limit))
	defer cancel()
	err := s.tell(ctx)
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}

func (s *stage) tell(ctx context.Context) error {
	s.screen.printf("\nThe server runs against a simulated WhatsApp; nothing leaves this machine.\n")
	s.screen.printf("   REST       http://%s", s.server.REST)
	s.screen.printf("   WebSocket  ws://%s", s.server.Socket)
	s.screen.printf("   phones     %s", s.world.ControlURL())
	phones, err := s.addPhones()
	if err != nil {
		return err
	}
	if err := s.link(ctx, phones[shop], s.screen.code); err != nil {
		return err
	}
	if err := s.link(ctx, phones[office], func(string) {}); err != nil {
		return err
	}
	if err := s.writeToAnn(ctx, phones[ann]); err != nil {
		return err
	}
	if err := s.hearFromAnn(ctx, phones[ann]); err != nil {
		return err
	}
	return s.writeToOffice(ctx)
}

func (s *stage) addPhones() (map[string]*simulator.Phone, error) {
	phones := map[string]*simulator.Phone{}
	for number, name := range map[string]string{shop: "Shop", office: "Office", ann: "Ann", desk: "Desk"} {
		phone, err := s.world.AddPhone(number, name)
		if err != nil {
			return nil, fmt.Errorf("make phone %s: %w", number, err)
		}
		phones[number] = phone
	}
	return phones, nil
}

// link makes an account and links it to its phone by the QR code that it shows.
func (s *stage) link(ctx context.Context, phone *simulator.Phone, show func(code string)) error {
	number := phone.Number()
	s.screen.stepf("Link account %s: POST /api/clients/initialize, then the phone scans the code.", number)
	if err := s.api.Post(ctx, "/api/clients/initialize", map[string]any{"accountNumber": number}, nil); err != nil {
		return err
	}
	shown, err := s.events.expect(ctx, told("qr", number))
	if err != nil {
		return err
	}
	show(shown[0].QR)
	if err := phone.Scan(ctx, shown[0].QR); err != nil {
		return fmt.Errorf("scan the QR code: %w", err)
	}
	if _, err := s.events.expect(ctx, told("ready", number), told("sync-complete", number)); err != nil {
		return err
	}
	s.screen.donef("linked, and ready")
	return nil
}

// writeToAnn sends her a message, which she reads.
func (s *stage) writeToAnn(ctx context.Context, ann *simulator.Phone) error {
	const words = "Hello Ann, your order is ready."
	s.screen.stepf("Send to Ann, a contact: POST /api/messages/send. She gets it and reads it.")
	id, err := s.send(ctx, shop, ann.Number(), words)
	if err != nil {
		return err
	}
	if _, err := s.events.expect(ctx, status(id, "sent"), status(id, "delivered")); err != nil {
		return err
	}
	received, err := ann.WaitMessages(ctx, 0)
	if err != nil {
		return fmt.Errorf("wait for the message at Ann's phone: %w", err)
	}
	if received[0].Text != words {
		return fmt.Errorf("the phone of Ann shows %q instead of %q", received[0].Text, words)
	}
	s.screen.donef("Ann's phone shows: %s", received[0].Text)
	if err := ann.MarkRead(ctx, shop, received[0].ID); err != nil {
		return fmt.Errorf("read the message at Ann's phone: %w", err)
	}
	_, err = s.events.expect(ctx, status(id, "read"))
	return err
}

// hearFromAnn lets her answer. From then on her phone echoes what it is sent.
func (s *stage) hearFromAnn(ctx context.Context, ann *simulator.Phone) error {
	const words = "Great, I am on my way!"
	s.screen.stepf("Receive: Ann answers.")
	if _, err := ann.SendText(ctx, shop, words); err != nil {
		return fmt.Errorf("answer from Ann's phone: %w", err)
	}
	_, err := s.events.expect(ctx, arrival(shop, words))
	if err != nil {
		return err
	}
	s.screen.donef("received")
	ann.SetAutoReply(true)
	return nil
}

// writeToOffice sends from one account of the server to the other.
func (s *stage) writeToOffice(ctx context.Context) error {
	const words = "Ann is coming to pick it up."
	s.screen.stepf("Send from one account to the other.")
	id, err := s.send(ctx, shop, office, words)
	if err != nil {
		return err
	}
	if _, err := s.events.expect(ctx, arrival(office, words), status(id, "sent"), status(id, "delivered")); err != nil {
		return err
	}
	s.screen.donef("received")
	s.screen.printf("\n%s", s.screen.paint(bold, "Linked 2 accounts, sent 2 messages, received 2."))
	return nil
}

// send returns when WhatsApp has the message, with its id.
func (s *stage) send(ctx context.Context, from, to, words string) (id string, err error) {
	var sent struct{ ID, Status string }
	err = s.api.Post(ctx, "/api/messages/send", map[string]any{
		"accountNumber": from, "chatId": to + "@c.us", "message": map[string]any{"text": words},
	}, &sent)
	if err == nil && sent.Status != "sent" {
		err = fmt.Errorf("the message is %s, not sent", sent.Status)
	}
	return sent.ID, err
}

// told expects an event of an account.
func told(name, account string) expectation {
	return expectation{name + " of " + account, func(e event) bool { return e.Event == name && e.ClientID == account }}
}

// status expects an own message to reach a status.
func status(id, status string) expectation {
	return expectation{"the message to be " + status, func(e event) bool {
		return e.Event == "message-status" && e.ID == id && e.Status == status
	}}
}

// arrival expects an account to receive a message.
func arrival(account, words string) expectation {
	return expectation{"the message at " + account, func(e event) bool {
		return e.Event == "message" && e.ClientID == account && !e.Message.FromMe && e.Message.Body == words
	}}
}
