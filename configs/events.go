package configs

import "time"

// Events is how much of each account's event log is kept.
type Events struct {
	// RetentionCount is how many events; 0 is all.
	RetentionCount int64 `env:"EVENT_RETENTION_COUNT" envDefault:"100000" validate:"min=0" allowed:"a whole number, 0 keeps all"`

	// RetentionAge is for how long; 0 is for ever.
	RetentionAge time.Duration `env:"EVENT_RETENTION_AGE" envDefault:"720h" validate:"min=0" allowed:"hours such as 720h, 0 keeps them for ever"`
}
