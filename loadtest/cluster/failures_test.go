package cluster

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// nodes and accounts of most tests: one node that goes leaves two to choose from.
const (
	nodes    = 3
	accounts = 3
)

// rounds is how often something happens, usually or in a full run.
func rounds(usual, most int) int {
	if full() {
		return most
	}
	return usual
}

func TestAccountsOfAKilledNodeGoOnElsewhere(t *testing.T) {
	onStorages(t, func(t *testing.T, storage string) {
		f := newFleet(t, storage, nodes)
		f.begin(t, accounts)
		for range rounds(1, 10) {
			victim := f.awaitOwner(t, f.lines[0].account)
			victim.kill(t)
			f.awaitMoved(t, victim)
			f.awaitAnswers(t, 2)
			victim.launch(t)
		}
		f.conclude(t)
	})
}

func TestNodesThatAreRestartedOneByOneLoseNothing(t *testing.T) {
	f := newFleet(t, "postgres", nodes)
	f.begin(t, accounts)
	for range rounds(1, 5) {
		for _, n := range f.nodes {
			n.terminate(t)
			n.launch(t)
			f.awaitAnswers(t, 2)
		}
	}
	f.conclude(t)
}

// The sockets of a node that stands still stay open: WhatsApp itself ends them when
// another logs in.
func TestANodeThatWasFrozenLongerThanItsLeaseDoesNoHarm(t *testing.T) {
	f := newFleet(t, "postgres", nodes, simulatortest.ConcurrentLogins)
	f.begin(t, accounts)
	for range rounds(1, 5) {
		victim := f.awaitOwner(t, f.lines[0].account)
		thawed := time.After(2 * lease)
		base := victim.freeze(t)
		f.awaitMoved(t, victim)
		<-thawed
		victim.thaw(t, base)
		f.awaitNodes(t, nodes)
		f.awaitAnswers(t, 3)
	}
	f.conclude(t)
	require.LessOrEqual(t, f.world.Stats().MaxConcurrentLoginsPerDevice, 2)
}

// What a node has sent to the storage waits in the link until the account has another
// owner, which is asked for the same: what arrives then must change nothing.
func TestWritesThatArriveAfterTheLeaseChangeNothing(t *testing.T) {
	onStorages(t, func(t *testing.T, storage string) {
		f := newFleet(t, storage, nodes)
		f.begin(t, accounts-1)
		quiet := f.join(t, accounts)
		f.awaitReady(t)
		for i := range rounds(1, 5) {
			owner := f.awaitOwner(t, quiet.account)
			owner.storage.Stall()
			sent := make(chan error, 1)
			message := send{key: fmt.Sprint("held ", i), text: fmt.Sprintf("message %d is held", i)}
			go func() {
				_, _ = quiet.ask(t.Context(), owner.entrance(), http.MethodPost, "/api/messages/send?wait=0", quiet.body(message), message.key)
				sent <- quiet.send(t.Context(), message, 4)
			}()
			id, err := quiet.friend.SendText(t.Context(), quiet.account, "is it held?")
			require.NoError(t, err)
			quiet.received = append(quiet.received, id)
			owner.registry.Cut()
			f.awaitMoved(t, owner)
			require.NoError(t, <-sent)
			owner.storage.Mend()
			owner.registry.Mend()
			f.awaitNodes(t, nodes)
			f.awaitAnswers(t, 2)
		}
		f.conclude(t)
	})
}

func TestAMessageIsSentOnceThoughItsNodeDiesBeforeItAnswers(t *testing.T) {
	onStorages(t, func(t *testing.T, storage string) {
		f := newFleet(t, storage, nodes)
		l := f.join(t, 0)
		f.awaitReady(t)
		for i := range rounds(1, 10) {
			owner := f.awaitOwner(t, l.account)
			_, err := f.world.AddFault(simulator.Fault{Op: "ack", Action: "drop", Number: l.account, Times: 1})
			require.NoError(t, err)
			message := send{key: fmt.Sprint("key ", i), text: fmt.Sprint("message ", i)}
			known := len(l.friend.Messages(0))
			answered := make(chan answer, 1)
			go func() {
				got, err := l.ask(t.Context(), f.besides(owner), http.MethodPost, "/api/messages/send?wait=20", l.body(message), message.key)
				if err != nil {
					t.Error(err)
				}
				answered <- got
			}()
			require.Eventually(t, func() bool { return len(l.friend.Messages(0)) > known }, callTimeout, time.Millisecond)
			owner.kill(t)
			first := <-answered
			require.Contains(t, []string{"outcome_unknown", "routing_unavailable"}, first.Error.Code)
			require.NoError(t, l.send(t.Context(), message, 20))
			owner.launch(t)
		}
		f.conclude(t)
	})
}

// besides is where another node than that takes requests.
func (f *fleet) besides(not *node) string {
	for _, n := range f.nodes {
		if n != not {
			return n.entrance()
		}
	}
	return ""
}

// What the nodes may do in a second is counted for each of them.
func TestNodesThatStartTogetherConnectAccountsAtTheirPace(t *testing.T) {
	const rate, burst = 2, 1
	f := newFleet(t, "postgres", nodes)
	for n := range rounds(12, 120) {
		f.join(t, n)
	}
	f.awaitReady(t)
	for _, n := range f.nodes {
		n.kill(t)
		n.environment = append(n.environment, fmt.Sprint("WA_CONNECTS_PER_SECOND=", rate), fmt.Sprint("WA_CONNECT_BURST=", burst))
	}
	before, began := f.world.Stats().Logins, time.Now()
	for _, n := range f.nodes {
		n.begin(t)
	}
	for count := int64(0); count < int64(len(f.lines)); count = f.world.Stats().Logins - before {
		most := float64(nodes) * (burst + rate*time.Since(began).Seconds())
		require.LessOrEqual(t, float64(count), most)
		require.Less(t, time.Since(began), 2*patience)
		<-time.After(5 * time.Millisecond)
	}
	t.Logf("%d accounts after %s", len(f.lines), time.Since(began).Round(time.Millisecond))
	for _, l := range f.lines {
		require.NoError(t, l.send(t.Context(), send{key: "after", text: "after the start"}, 4))
	}
	f.conclude(t)
}
