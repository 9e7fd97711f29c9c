package webhook

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

const (
	// lookedThrough is how many accounts are looked through for one page of dead letters.
	lookedThrough = 500
	// redrivePage is how many dead letters are taken up in one unit.
	redrivePage = 100
	// maxRedrive is how many one call takes up.
	maxRedrive = 10_000
)

// DeadLetter is an event that an endpoint has refused for a day.
type DeadLetter struct {
	Account string
	persist.WebhookDelivery
}

// Event is what was to be posted.
func (d DeadLetter) Event() actors.Event { return eventOf(d.Account, d.WebhookDelivery) }

// deadPlace is a place in the list of an endpoint's dead letters: by account, then by the
// time of death.
type deadPlace struct {
	Account string `json:"a"`
	At      int64  `json:"t,omitempty"` // Unix milliseconds; 0: before all of the account
	Log     string `json:"l,omitempty"`
	Seq     int64  `json:"s,omitempty"`
}

func (p deadPlace) String() string {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings and numbers
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func parseDeadPlace(cursor string) (place deadPlace, err error) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(text, &place)
	}
	if err != nil || place.Account == "" {
		return place, refuse("cursor", "not a cursor of this list")
	}
	return place, nil
}

func (p deadPlace) key() persist.Key {
	if p.Log == "" {
		return nil
	}
	return persist.Deliveries.Key(time.UnixMilli(p.At), p.Log, p.Seq)
}

// DeadLetters lists those of one account, or of all, and the cursor of the next page,
// which is empty if this was the last. A page may be short and still not be the last.
func (s *Service) DeadLetters(ctx context.Context, caller Caller, id, account, cursor string, limit int) (found []DeadLetter, next string, err error) {
	accounts, err := s.whose(ctx, caller, id, account)
	if err != nil {
		return nil, "", err
	}
	var from deadPlace
	if cursor != "" {
		if from, err = parseDeadPlace(cursor); err != nil {
			return nil, "", err
		}
	}
	looked := 0
	for _, account := range accounts {
		if account < from.Account {
			continue
		}
		if looked++; looked > lookedThrough || len(found) == limit {
			return found, deadPlace{Account: account}.String(), nil
		}
		var after persist.Key
		if account == from.Account {
			after = from.key()
		}
		rows, err := s.inState(ctx, account, id, persist.DeliveryDead, after, limit-len(found)+1)
		if err != nil {
			return nil, "", err
		}
		for _, row := range rows {
			if len(found) == limit {
				last := found[limit-1]
				if last.Account != account {
					return found, deadPlace{Account: account}.String(), nil
				}
				return found, deadPlace{account, last.NextAt.UnixMilli(), last.LogID, last.Seq}.String(), nil
			}
			found = append(found, DeadLetter{account, row})
		}
	}
	return found, "", nil
}

// whose lists the accounts that are meant: one that the endpoint hears, or all.
func (s *Service) whose(ctx context.Context, caller Caller, id, account string) ([]string, error) {
	hook, err := s.Get(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	accounts := s.accounts(hook)
	if account == "" {
		return accounts, nil
	}
	if !slices.Contains(accounts, account) {
		return nil, &actors.Error{Code: actors.CodeAccountNotFound, Field: "accountNumber", Message: "the webhook hears no account of this number"}
	}
	return []string{account}, nil
}

// Range selects events; the zero value all.
type Range struct {
	Account string
	// After and Until are places in the account's log, the first not included.
	After, Until actors.Cursor
	// From and To are times of the events, the last not included.
	From, To time.Time
}

func (r Range) has(row persist.WebhookDelivery) bool {
	switch {
	case r.After.Log != "" && (row.LogID != r.After.Log || row.Seq <= r.After.Seq),
		r.Until.Log != "" && (row.LogID != r.Until.Log || row.Seq > r.Until.Seq),
		!r.From.IsZero() && row.At.Before(r.From),
		!r.To.IsZero() && !row.At.Before(r.To):
		return false
	default:
		return true
	}
}

// Redrive has dead letters delivered again, under the ids that they had, beside what is
// delivered otherwise. It returns how many; more says that it was not all of them.
func (s *Service) Redrive(ctx context.Context, caller Caller, id string, which Range) (redriven int, more bool, err error) {
	if which.Account == "" && (which.After.Log != "" || which.Until.Log != "") {
		return 0, false, refuse("accountNumber", "a cursor is of the log of one account")
	}
	accounts, err := s.whose(ctx, caller, id, which.Account)
	if err != nil {
		return 0, false, err
	}
	ref, err := actors.Ask[*actors.Ref](ctx, s.keeper, find{id})
	if err != nil {
		return 0, false, err
	}
	for _, account := range accounts {
		if redriven >= maxRedrive {
			return redriven, true, nil
		}
		n, left, err := s.redrive(ctx, account, id, which, maxRedrive-redriven)
		redriven += n
		if n > 0 && ref != nil {
			ref.Tell(due{account})
		}
		if err != nil || left {
			return redriven, left, err
		}
	}
	return redriven, false, nil
}

// redrive is for one account.
func (s *Service) redrive(ctx context.Context, account, id string, which Range, most int) (redriven int, more bool, err error) {
	var after persist.Key
	for {
		rows, err := s.inState(ctx, account, id, persist.DeliveryDead, after, redrivePage)
		if err != nil {
			return redriven, false, err
		}
		var mutations []persist.Mutation
		for _, row := range rows {
			if !which.has(row) {
				continue
			}
			row.State, row.Attempts, row.FirstAt, row.NextAt = persist.DeliveryAside, 0, time.Time{}, time.Now()
			mutations = append(mutations, persist.Deliveries.Put(row))
		}
		if err := s.keep(ctx, account, mutations...); err != nil {
			return redriven, false, err
		}
		redriven += len(mutations)
		switch {
		case len(rows) < redrivePage:
			return redriven, false, nil
		case redriven >= most:
			return redriven, true, nil
		}
		after = placeOf(rows[len(rows)-1])
	}
}
