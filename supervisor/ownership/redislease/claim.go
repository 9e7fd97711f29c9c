package redislease

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	driver "github.com/redis/go-redis/v9"

	"whatsapp-web-server/supervisor/ownership"
)

// claimAttempts is how often a claim looks again after others were faster.
const claimAttempts = 5

// Claim implements [ownership.Owner]. An account of an earlier session of this process
// is nobody's: whoever ran it then has to have stopped.
func (l *Lease) Claim(ctx context.Context, account string) (ownership.Claim, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	t := l.term.Load()
	for range claimAttempts {
		if !t.valid() {
			return ownership.Claim{}, ownership.ErrLost
		}
		floor, taken, err := l.try(ctx, t.session(), account)
		switch {
		case err != nil:
			return ownership.Claim{}, err
		case !taken:
			continue
		case !t.valid(): // the registry may have been slow
			return ownership.Claim{}, ownership.ErrLost
		}
		return ownership.Claim{Account: account, Session: t.session(), Floor: floor}, nil
	}
	return ownership.Claim{}, fmt.Errorf("%w: others claim the account too", ownership.ErrUnavailable)
}

// try takes the account if it is free, in two steps, since the record and the nodes
// may be on different servers. In between it can only be taken by another, which the
// second step sees: who was dead in the first never comes back.
func (l *Lease) try(ctx context.Context, session, account string) (floor uint64, taken bool, err error) {
	seen, err := l.look(ctx, account)
	if err != nil {
		return 0, false, err
	}
	if err := l.enlist(ctx, session, account, seen.session); err != nil {
		return 0, false, err
	}
	reply, err := l.askRecord(ctx, takeScript, account, seen.session, seen.claims, session).Text()
	if errors.Is(err, driver.Nil) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, unavailable(err)
	}
	if seen.session != session { // if this fails, those who look for orphans tidy up
		_ = l.ask(ctx, strikeScript, account, seen.session).Err()
	}
	floor, err = strconv.ParseUint(reply, 10, 64)
	return floor, true, err
}

// record says who owns an account. Its claims are counted, so that what was sent and
// thought lost does nothing if it arrives after another claim, be it by the same
// session.
type record struct{ session, claims string }

// look reads an account's record, which is empty where there is none.
func (l *Lease) look(ctx context.Context, account string) (record, error) {
	fields, err := l.registry.HMGet(ctx, l.recordKey(account), "session", "claims").Result()
	if err != nil {
		return record{}, unavailable(err)
	}
	session, _ := fields[0].(string)
	claims, _ := fields[1].(string)
	return record{session, claims}, nil
}

// enlist asks whether the owner is over, and notes what is about to be claimed.
func (l *Lease) enlist(ctx context.Context, session, account, owner string) error {
	answer, err := l.ask(ctx, enlistScript, session, account, owner, l.isOwn(owner)).Text()
	switch {
	case err != nil:
		return unavailable(err)
	case answer == "free":
		return nil
	case answer == "lost":
		return ownership.ErrLost
	case answer == "quarantine":
		return ownership.ErrQuarantine
	}
	return held(answer)
}

// held is the error that names the node of a record.
func held(record string) error {
	node, err := decode(record)
	if err != nil {
		return unavailable(fmt.Errorf("the owner's record is not understood: %w", err))
	}
	return &ownership.HeldError{Owner: node}
}

// isOwn tells whether a session is one that this process has or had.
func (l *Lease) isOwn(session string) bool { return slices.Contains(*l.sessions.Load(), session) }

// Confirm implements [ownership.Owner].
func (l *Lease) Confirm(ctx context.Context, claim ownership.Claim, generation uint64) error {
	if err := l.Valid(claim.Session); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	owner, err := l.askRecord(ctx, confirmScript, claim.Account, claim.Session, strconv.FormatUint(generation, 10)).Text()
	switch {
	case err != nil:
		return unavailable(err)
	case owner == claim.Session:
		return l.Valid(claim.Session)
	}
	record, err := l.lease(ctx, owner)
	if err != nil || record == "" {
		return errors.Join(ownership.ErrLost, err)
	}
	return held(record)
}

// lease is the record of a session's node, "" if it is over.
func (l *Lease) lease(ctx context.Context, session string) (string, error) {
	record, err := l.registry.Get(ctx, l.nodesKey()+"lease:"+session).Result()
	if errors.Is(err, driver.Nil) {
		return "", nil
	}
	return record, unavailable(err)
}

// Release implements [ownership.Owner].
func (l *Lease) Release(ctx context.Context, account string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	owner, given, err := l.give(ctx, account)
	if err != nil || !given {
		return err
	}
	return unavailable(l.ask(ctx, releaseScript, account, owner).Err())
}

// Forget implements [ownership.Owner].
func (l *Lease) Forget(ctx context.Context, account string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	owner, given, err := l.give(ctx, account)
	if err != nil || !given && owner != "" {
		return err
	}
	return unavailable(l.ask(ctx, strikeScript, account, owner, "").Err())
}

// give has nobody own what this process owns, and tells who owned it.
func (l *Lease) give(ctx context.Context, account string) (owner string, given bool, err error) {
	seen, err := l.look(ctx, account)
	if err != nil || !l.isOwn(seen.session) {
		return seen.session, false, err
	}
	given, err = l.askRecord(ctx, giveScript, account, seen.session, seen.claims).Bool()
	return seen.session, given, unavailable(err)
}

// Locate implements [ownership.Owner].
func (l *Lease) Locate(ctx context.Context, account string) (ownership.Node, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	seen, err := l.look(ctx, account)
	if err != nil || seen.session == "" {
		return ownership.Node{}, false, err
	}
	owner := seen.session
	if l.Valid(owner) == nil {
		return l.Self(), true, nil
	}
	record, err := l.lease(ctx, owner)
	if err != nil || record == "" || l.isOwn(owner) {
		return ownership.Node{}, false, err
	}
	node, err := decode(record)
	return node, err == nil, unavailable(err)
}
