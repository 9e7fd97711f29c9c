package persist

import "time"

// Consumer is how far one that reads the account's events, such as a webhook, has
// got: it has done with everything up to Seq. What comes after is kept for it, for a
// while at least.
type Consumer struct {
	ID      string    `col:"consumer,key"`
	LogID   string    `col:"log_id"`
	Seq     int64     `col:"seq"`
	MovedAt time.Time `col:"moved_at"`
}
