package actors

import (
	"time"

	"whatsapp-web-server/persist"
)

const (
	// outboxExpiry is how long an accepted message is worth sending once it is due,
	// unless its sender says otherwise.
	outboxExpiry = 24 * time.Hour
	// maxExpiry is how long it may be; WhatsApp itself keeps what it cannot deliver for
	// as long, and media that was uploaded.
	maxExpiry = 30 * 24 * time.Hour
	// maxAhead is how far ahead a send may be scheduled.
	maxAhead = 365 * 24 * time.Hour
)

// Delivery is how a message is brought to WhatsApp. The zero value sends it as soon
// as possible within a day.
type Delivery struct {
	// Lane is [LaneInteractive], which empty means too, or [LaneBulk].
	Lane string
	// SendAt is when it is due; zero is at once.
	SendAt time.Time
	// ExpiresAt is when it is not worth sending any more, ExpiresIn the same from when
	// it is due; at most one of them may be there.
	ExpiresAt time.Time
	ExpiresIn time.Duration
	// Hold leaves it be where its outcome is unknown, instead of sending it again.
	Hold bool
}

// plan puts into an item what was asked, or refuses what cannot be at the time of
// acceptance.
func (d Delivery) plan(item *persist.OutboxItem) error {
	switch {
	case d.Lane != "" && d.Lane != LaneInteractive && d.Lane != LaneBulk:
		return wrongField("lane", "must be interactive or bulk")
	case !d.SendAt.IsZero() && d.SendAt.Before(item.AcceptedAt):
		return &Error{Code: CodeScheduleInPast, Field: "sendAt", Message: "sendAt: lies in the past"}
	case d.SendAt.After(item.AcceptedAt.Add(maxAhead)):
		return wrongField("sendAt", "lies more than a year ahead")
	}
	item.Lane, item.SendAt, item.Hold = d.Lane, d.SendAt, d.Hold
	expiry, err := d.expiry(dueAt(*item))
	item.ExpiresAt = expiry
	return err
}

func (d Delivery) expiry(due time.Time) (time.Time, error) {
	switch {
	case !d.ExpiresAt.IsZero() && d.ExpiresIn != 0:
		return due, wrongField("expiresIn", "not together with expiresAt")
	case d.ExpiresIn < 0 || d.ExpiresIn > maxExpiry:
		return due, wrongField("expiresIn", "must be at most 30 days")
	case d.ExpiresIn > 0:
		return due.Add(d.ExpiresIn), nil
	case d.ExpiresAt.IsZero():
		return due.Add(outboxExpiry), nil
	case !d.ExpiresAt.After(due):
		return due, wrongField("expiresAt", "lies before the message is due")
	case d.ExpiresAt.After(due.Add(maxExpiry)):
		return due, wrongField("expiresAt", "lies more than 30 days after the message is due")
	default:
		return d.ExpiresAt, nil
	}
}
