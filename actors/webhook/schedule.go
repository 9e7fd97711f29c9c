package webhook

import (
	"math/rand/v2"
	"time"
)

const (
	// tryFor is how long an event is tried that is refused.
	tryFor = 24 * time.Hour
	// firstWait doubles from attempt to attempt, up to maxHold where others wait behind
	// the event, and else up to maxAside.
	firstWait = time.Second
	maxHold   = 5 * time.Minute
	maxAside  = 4 * time.Hour
	// maxAsked is the longest that an endpoint may ask to be left alone for.
	maxAsked = 24 * time.Hour

	// manySilent and manyFailures are how many attempts in a row fail before the fault is
	// taken to be the endpoint's: those that are not answered, and any.
	manySilent   = 3
	manyFailures = 10
)

// waitAfter is how long after so many attempts the next one comes: about, so that what
// failed together does not come back together, and not before the endpoint wants it.
func waitAfter(attempts int64, most, asked time.Duration) time.Duration {
	wait := min(firstWait<<min(max(attempts-1, 0), 20), most)
	wait += rand.N(wait/5+1) - wait/10
	return max(wait, min(asked, maxAsked))
}
