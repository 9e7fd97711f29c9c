package simulator

import (
	"context"
	"strconv"
	"time"
)

// timelock is the notice of a restriction in WhatsApp's JSON (whatsmeow: events.NotifyAccountReachoutTimelock).
type timelock struct {
	IsActive bool   `json:"is_active"`
	Ends     string `json:"time_enforcement_ends,omitempty"` // seconds
	Kind     string `json:"enforcement_type,omitempty"`
}

// Restrict tells the account's companions that it may not write to people it does not know until the given time; a zero
// time says that it may again. It is the notice alone: to have sends refused, add a nack fault.
func (p *Phone) Restrict(_ context.Context, until time.Time, kind string) error {
	notice := timelock{IsActive: !until.IsZero(), Kind: kind}
	if notice.IsActive {
		notice.Ends = strconv.FormatInt(until.Unix(), 10)
	}
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.sim.notifyMexLocked(p.account, "NotificationUserReachoutTimelockUpdate", "xwa2_notify_account_reachout_timelock", notice)
	return nil
}
