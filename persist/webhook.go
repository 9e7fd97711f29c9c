package persist

import "time"

// Webhook is an endpoint that has events posted to it.
type Webhook struct {
	ID      string `col:"id,key"`
	Version int64  `col:"version"`
	// Tenant is whose it is.
	Tenant string `col:"tenant"`
	// Account is the one account that it is about; empty for those of the tenant that
	// Accounts has patterns of, none being all.
	Account  string   `col:"account"`
	Accounts []string `col:"accounts,json"`
	// Everyone has it hear the accounts of all tenants.
	Everyone bool `col:"everyone"`
	// Own is the one that is a setting of its account.
	Own         bool     `col:"own"`
	URL         string   `col:"url,secret"`
	Kinds       []string `col:"kinds,json"` // of events; none is all
	Order       string   `col:"ordering"`   // strict or relaxed
	Concurrency int64    `col:"concurrency"`
	// Headers is a JSON object of those that go along.
	Headers string `col:"headers,secret"`
	// Secret signs; OldSecret does so as well until its time is over.
	Secret         string    `col:"signing_secret,secret"`
	OldSecret      string    `col:"old_secret,secret"`
	OldSecretUntil time.Time `col:"old_secret_until"`
	Paused         bool      `col:"paused"`
	PausedReason   string    `col:"paused_reason"`
	PausedAt       time.Time `col:"paused_at"`
	// Since is when its accounts became its own: it hears what happens from then on.
	Since     time.Time `col:"since"`
	CreatedAt time.Time `col:"created_at"`
	UpdatedAt time.Time `col:"updated_at"`
}

// WebhookDelivery is an event that an endpoint has not taken. It is as in the log, which
// may have left it behind.
type WebhookDelivery struct {
	Webhook string `col:"webhook,key"`
	LogID   string `col:"log_id,key"`
	Seq     int64  `col:"seq,key"`
	// State is one of the constants below.
	State    string    `col:"state"`
	Kind     string    `col:"kind"`
	At       time.Time `col:"at"`
	Data     string    `col:"data,content"`
	Attempts int64     `col:"attempts"`
	FirstAt  time.Time `col:"first_at"` // of the attempts
	// NextAt is when it is tried again; of a dead letter, when it became one.
	NextAt  time.Time `col:"next_at"`
	Failure string    `col:"failure"` // of the last attempt
}

// The states of a [WebhookDelivery].
const (
	DeliveryHolds = "holds" // the account's later events wait for it
	DeliveryAside = "aside" // it is tried again beside them
	DeliveryDead  = "dead"  // it is not tried any more unless somebody asks
)
