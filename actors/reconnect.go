package actors

import (
	"math"
	"time"

	"go.mau.fi/whatsmeow/types/events"
)

// DisconnectReason says why a connection ended or did not come about. It is
// stable and shows as the session's reason.
type DisconnectReason string

// The reasons, which keep whatsmeow's names where it has one.
const (
	ReasonNetwork        DisconnectReason = "network"         // the socket broke or could not be opened; also the server's 500 and 503
	ReasonStreamError    DisconnectReason = "stream_error"    // an error whose code whatsmeow does not know
	ReasonKeepAlive      DisconnectReason = "keepalive_lost"  // pings went unanswered for too long
	ReasonTimeout        DisconnectReason = "session_timeout" // connected, but not ready in time
	ReasonWrite          DisconnectReason = "write_abandoned" // a write passed its deadline
	ReasonPaired         DisconnectReason = "paired"          // stream error 515: log in with the new device
	ReasonConnectFailure DisconnectReason = "connect_failure" // refused with a code that whatsmeow does not know

	ReasonProxyUnreachable DisconnectReason = "proxy_unreachable" // the account's proxy cannot be reached, or does not answer
	ReasonProxyRefused     DisconnectReason = "proxy_refused"     // it does not let the account through, or cannot reach WhatsApp

	ReasonStorage DisconnectReason = "storage_unavailable" // what comes in could not be kept

	ReasonDeviceRemoved  DisconnectReason = "device_removed"   // 401: unlinked at the phone
	ReasonMainDeviceGone DisconnectReason = "main_device_gone" // 403: the phone lost the account
	ReasonUnknownLogout  DisconnectReason = "unknown_logout"   // 406
	ReasonTemporaryBan   DisconnectReason = "temporary_ban"    // 402
	ReasonOutdated       DisconnectReason = "client_outdated"  // 405, and 409 for the user agent
	ReasonReplaced       DisconnectReason = "stream_replaced"  // the same keys connected elsewhere
)

// Disconnect is one end of a connection.
type Disconnect struct {
	Reason DisconnectReason
	Code   int           // as WhatsApp gave it; zero if there was none
	Expire time.Duration // how long a ban lasts; zero if it was not told
}

// DisconnectOf translates a whatsmeow event; false means that the event does
// not end a connection. KeepAliveTimeout is not among them: it ends one only
// when pings have failed for long, which the watchdog decides.
func DisconnectOf(event any) (Disconnect, bool) {
	switch e := event.(type) {
	case Disconnect:
		return e, true
	case *events.Disconnected:
		return Disconnect{Reason: ReasonNetwork}, true
	case *events.StreamError, *events.CATRefreshError:
		return Disconnect{Reason: ReasonStreamError}, true
	case *events.ManualLoginReconnect:
		return Disconnect{Reason: ReasonPaired, Code: 515}, true
	case *events.StreamReplaced:
		return Disconnect{Reason: ReasonReplaced}, true
	case *events.ClientOutdated:
		return Disconnect{Reason: ReasonOutdated, Code: int(events.ConnectFailureClientOutdated)}, true
	case *events.TemporaryBan:
		return Disconnect{ReasonTemporaryBan, int(e.Code), e.Expire}, true
	case *events.LoggedOut:
		return Disconnect{Reason: failureReason(e.Reason), Code: int(e.Reason)}, true
	case *events.ConnectFailure:
		return Disconnect{Reason: failureReason(e.Reason), Code: int(e.Reason)}, true
	default:
		return Disconnect{}, false
	}
}

func failureReason(code events.ConnectFailureReason) DisconnectReason {
	switch code {
	case events.ConnectFailureLoggedOut:
		return ReasonDeviceRemoved
	case events.ConnectFailureMainDeviceGone:
		return ReasonMainDeviceGone
	case events.ConnectFailureUnknownLogout:
		return ReasonUnknownLogout
	case events.ConnectFailureTempBanned:
		return ReasonTemporaryBan
	case events.ConnectFailureClientOutdated, events.ConnectFailureBadUserAgent:
		return ReasonOutdated
	case events.ConnectFailureInternalServerError, events.ConnectFailureServiceUnavailable:
		return ReasonNetwork
	default:
		return ReasonConnectFailure
	}
}

// stateAfter is where each reason leads. Backoff and connecting go on by
// themselves, a ban when it is over, the others when somebody acts.
var stateAfter = map[DisconnectReason]State{
	ReasonNetwork:        StateBackoff,
	ReasonStreamError:    StateBackoff,
	ReasonKeepAlive:      StateBackoff,
	ReasonTimeout:        StateBackoff,
	ReasonWrite:          StateBackoff,
	ReasonConnectFailure: StateBackoff,
	ReasonStorage:        StateBackoff,

	ReasonProxyUnreachable: StateBackoff,
	ReasonProxyRefused:     StateBackoff,

	ReasonPaired:         StateConnecting,
	ReasonDeviceRemoved:  StateLoggedOut,
	ReasonMainDeviceGone: StateLoggedOut,
	ReasonUnknownLogout:  StateLoggedOut,
	ReasonTemporaryBan:   StateBanned,
	ReasonOutdated:       StateOutdated,
	ReasonReplaced:       StateConflict,
}

// ReconnectConfig is the pace of reconnecting.
type ReconnectConfig struct {
	// Base bounds the first delay; each failure in a row doubles the bound up to
	// Cap. The delay is drawn evenly below it, so that accounts that were cut off
	// together do not come back together.
	Base, Cap time.Duration
	// FastAttempts is how many failures in a row the above is for; 0 is for ever.
	FastAttempts int
	// Slow is the time between attempts afterwards, give or take a tenth.
	Slow time.Duration
	// HalfLife is how long a session is ready until half of its failures are
	// forgotten. At a minute a connection that breaks twice a minute stays in the
	// fast phase, one that breaks every ten seconds does not.
	HalfLife time.Duration
}

// DefaultReconnectConfig starts below a second and, after five failures, tries
// every five minutes.
func DefaultReconnectConfig() ReconnectConfig {
	return ReconnectConfig{
		Base:         time.Second,
		Cap:          5 * time.Minute,
		FastAttempts: 5,
		Slow:         5 * time.Minute,
		HalfLife:     time.Minute,
	}
}

// History is what the decision needs of the past. Its zero value is that of an
// account that never failed.
type History struct {
	// Failures is the count in a row, with what was forgotten taken off.
	Failures float64
	// ReadySince is when the session that now ended became ready; zero if it
	// never did.
	ReadySince time.Time
}

// Verdict is what to do about a disconnect.
type Verdict struct {
	State  State
	Reason DisconnectReason
	// RetryAt is when to connect again; zero means not before somebody acts.
	RetryAt time.Time
	// Slow is true when the fast attempts are used up.
	Slow bool
	// Failures belongs in the next [History].
	Failures float64
}

// Decide is the reconnect policy. It is a pure function: random, which returns
// numbers from 0 to below 1, is its only source of chance.
func (c ReconnectConfig) Decide(d Disconnect, past History, now time.Time, random func() float64) Verdict {
	failures := c.remembered(past, now)
	verdict := Verdict{State: stateAfter[d.Reason], Reason: d.Reason, Failures: failures}
	switch verdict.State {
	case StateConnecting:
		verdict.RetryAt = now
	case StateBackoff:
		// A refusal that nobody knows is not worth hurrying: it may be a sanction.
		verdict.Slow = d.Reason == ReasonConnectFailure || c.FastAttempts > 0 && failures >= float64(c.FastAttempts)
		verdict.RetryAt = now.Add(c.delay(failures, verdict.Slow, random()))
		verdict.Failures++
	case StateBanned:
		if d.Expire > 0 {
			verdict.RetryAt = now.Add(d.Expire)
		}
	default: // terminal: somebody has to act
	}
	return verdict
}

func (c ReconnectConfig) remembered(past History, now time.Time) float64 {
	if past.ReadySince.IsZero() {
		return past.Failures
	}
	healthy := max(0, now.Sub(past.ReadySince))
	return past.Failures * math.Exp2(-float64(healthy)/float64(c.HalfLife))
}

func (c ReconnectConfig) delay(failures float64, slow bool, chance float64) time.Duration {
	if slow {
		return time.Duration(float64(c.Slow) * (0.9 + 0.2*chance))
	}
	bound := min(float64(c.Cap), float64(c.Base)*math.Exp2(failures))
	return time.Duration(bound * chance)
}
