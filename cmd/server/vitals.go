package main

import (
	"context"
	"time"

	"whatsapp-web-server/httpapi/admin"
)

// What is asked for when somebody reads the metrics.
var (
	accountsFamily  = admin.Family{Name: "whatsapp_accounts", Help: "Accounts, by the state of their session.", Label: "state"}
	outboxFamily    = admin.Family{Name: "whatsapp_outbox_messages", Help: "Messages that were accepted and have not reached their end."}
	outboxAgeFamily = admin.Family{Name: "whatsapp_outbox_oldest_seconds", Help: "How long the message waits that could have been sent first; 0 if none waits."}
	crashesFamily   = admin.Family{Name: "whatsapp_account_crashes_total", Help: "Lives of accounts that ended by a panic.", Counter: true}
	failuresFamily  = admin.Family{Name: "whatsapp_storage_failures_total", Help: "Lives of accounts that ended by a failure of the storage.", Counter: true}
	storageFamily   = admin.Family{Name: "whatsapp_storage_available", Help: "1 while the storage can commit, else 0."}
	rateFamily      = admin.Family{Name: "whatsapp_connect_budget_rate", Help: "Connections a second that all accounts together may open now."}
	waitingFamily   = admin.Family{Name: "whatsapp_connect_budget_waiting", Help: "Accounts that wait for leave to connect."}
	outdatedFamily  = admin.Family{Name: "whatsapp_client_outdated", Help: "1 while WhatsApp refuses the version that is announced, else 0."}
	historyFamily   = admin.Family{Name: "whatsapp_history_bytes", Help: "Memory held by history that is being taken in."}
	listenersFamily = admin.Family{Name: "whatsapp_feed_subscriptions", Help: "Subscriptions to live events."}
	slowFamily      = admin.Family{Name: "whatsapp_feed_slow_total", Help: "Subscriptions that ended because their reader did not keep up.", Counter: true}

	vitals = []admin.Family{
		accountsFamily, outboxFamily, outboxAgeFamily, crashesFamily, failuresFamily, storageFamily,
		rateFamily, waitingFamily, outdatedFamily, historyFamily, listenersFamily, slowFamily,
	}
)

// vitals tells how things stand with the accounts and what they share.
func (s *Server) vitals(ctx context.Context, tell admin.Tell) {
	census := s.accounts.Census(ctx)
	for state, count := range census.Accounts {
		tell(accountsFamily, string(state), float64(count))
	}
	tell(outboxFamily, "", float64(census.Queued))
	tell(outboxAgeFamily, "", age(census.Due).Seconds())
	tell(crashesFamily, "", float64(census.Crashes))
	tell(failuresFamily, "", float64(census.StorageFailures))
	tell(storageFamily, "", indicator(s.accounts.Available() == nil))
	if budget, err := s.budget.Status(ctx); err == nil {
		tell(rateFamily, "", budget.Rate)
		tell(waitingFamily, "", float64(budget.Waiting))
		tell(outdatedFamily, "", indicator(budget.Outdated))
	}
	tell(historyFamily, "", float64(s.history.Held()))
	open, slow := s.feed.Listeners()
	if s.everywhere != nil {
		more, slower := s.everywhere.Listeners()
		open, slow = open+more, slow+slower
	}
	tell(listenersFamily, "", float64(open))
	tell(slowFamily, "", float64(slow))
}

func age(since time.Time) time.Duration {
	if since.IsZero() {
		return 0
	}
	return time.Since(since)
}

func indicator(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
