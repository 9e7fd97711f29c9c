package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/supervisor/ownership"
)

const (
	// lookEvery is how soon a node that has come is heard.
	lookEvery = 500 * time.Millisecond
	// linkTime bounds the opening of a link, and what is read from the storage at once.
	linkTime = 5 * time.Second
	// missedBeats is after how many a node that says nothing counts as away.
	missedBeats = 3
	// A link that is lost is opened anew after linkPause, and later and later up to
	// maxLinkPause.
	linkPause, maxLinkPause = 100 * time.Millisecond, 5 * time.Second
)

// links bring the events of the accounts of other nodes here: one link to each node.
type links struct {
	cluster   Cluster
	elsewhere *Elsewhere
	beat      time.Duration // of the others
	log       *zap.Logger

	stop    context.CancelFunc
	running sync.WaitGroup
}

// startLinks hears all other nodes, also those that come later.
func startLinks(cluster Cluster, elsewhere *Elsewhere, beat time.Duration, log *zap.Logger) *links {
	ctx, stop := context.WithCancel(context.Background())
	l := &links{cluster: cluster, elsewhere: elsewhere, beat: beat, log: log, stop: stop}
	l.running.Go(func() { l.keep(ctx) })
	return l
}

// close ends all links, and returns when they have ended.
func (l *links) close() {
	l.stop()
	l.running.Wait()
}

// keep has a link to each node that lives.
func (l *links) keep(ctx context.Context) {
	open := make(map[string]context.CancelFunc) // by session
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		gone := maps.Clone(open)
		for _, node := range l.cluster.Nodes() {
			delete(gone, node.Session)
			if _, already := open[node.Session]; already || node.Session == l.cluster.Self().Session {
				continue
			}
			living, left := context.WithCancel(ctx)
			open[node.Session] = left
			link := &link{links: l, node: node, accounts: make(map[string]struct{})}
			l.running.Go(func() { link.run(ctx, living) })
		}
		for session, left := range gone {
			left()
			delete(open, session)
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

// link hears one node, for as long as it lives.
type link struct {
	*links

	node     ownership.Node
	accounts map[string]struct{} // those of which it has told
}

// run ends with living, after a last look at what the node may have left in the logs.
func (l *link) run(ctx, living context.Context) {
	for pause := linkPause; living.Err() == nil; pause = min(2*pause, maxLinkPause) {
		heard, err := l.hear(living)
		if heard {
			pause = linkPause
		}
		if living.Err() != nil {
			break
		}
		if heard || pause == linkPause {
			l.log.Log(levelOf(err), "the events of a node are not heard at the moment", zap.String("node", l.node.Name), zap.Error(err))
		}
		if !heard {
			l.review(living)
		}
		select {
		case <-living.Done():
		case <-time.After(pause):
		}
	}
	l.review(ctx)
}

// levelOf tells how much there is to worry about when a link ends.
func levelOf(err error) zapcore.Level {
	if websocket.CloseStatus(err) == websocket.StatusGoingAway {
		return zapcore.InfoLevel
	}
	return zapcore.WarnLevel
}

// review has those who listen look into the logs of the accounts that the node has told
// of, where events may be that did not come.
func (l *link) review(ctx context.Context) {
	for _, account := range slices.Sorted(maps.Keys(l.accounts)) {
		if ctx.Err() != nil {
			return
		}
		if _, head, err := l.headOf(ctx, account); err == nil && head.Log != "" {
			l.elsewhere.Feed.remind(account, head)
		}
	}
}

func (l *link) headOf(ctx context.Context, account string) (oldest, head actors.Cursor, err error) {
	ctx, cancel := context.WithTimeout(ctx, linkTime)
	defer cancel()
	return l.elsewhere.Own.EventLog(ctx, account)
}

// hear has listeners here hear what the node tells, until that ends. It tells whether it
// has begun.
func (l *link) hear(ctx context.Context) (heard bool, err error) {
	connection, err := l.open(ctx)
	if err != nil {
		return false, err
	}
	defer connection.CloseNow() //nolint:errcheck // it is over
	connection.SetReadLimit(maxShare)
	for {
		lines, err := l.read(ctx, connection)
		if err != nil {
			return heard, err
		}
		heard = true
		if err := l.pass(ctx, lines); err != nil {
			return heard, err
		}
	}
}

func (l *link) open(ctx context.Context) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, linkTime)
	defer cancel()
	self := &call{}
	self.principal.ID = "node " + l.cluster.Self().Name
	header := http.Header{headerPassedOn: {introduce(self, l.node, "", linkTime)}}
	return l.cluster.Dial(ctx, "https://"+l.node.Address+eventsPath, header)
}

func (l *link) read(ctx context.Context, connection *websocket.Conn) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, missedBeats*l.beat)
	defer cancel()
	_, lines, err := connection.Read(ctx)
	return lines, err
}

func (l *link) pass(ctx context.Context, lines []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(lines))
	for {
		var told toldEvent
		if err := decoder.Decode(&told); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read events of a node: %w", err)
		}
		event, err := told.event()
		if err != nil {
			return fmt.Errorf("read events of a node: %w", err)
		}
		l.meet(ctx, event.Account)
		l.elsewhere.Feed.hear(l.node.Session, event)
	}
}

// meet makes sure that it is known whose an account is before its first event is heard.
func (l *link) meet(ctx context.Context, account string) {
	if _, met := l.accounts[account]; met {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, linkTime)
	defer cancel()
	if err := l.elsewhere.Recall(ctx, account); err != nil {
		l.log.Warn("an account of another node could not be looked up", zap.String("node", l.node.Name), zap.Error(err))
		return
	}
	l.accounts[account] = struct{}{}
}
