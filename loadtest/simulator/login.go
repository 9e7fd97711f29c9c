package simulator

import (
	"fmt"
	"strconv"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waWa6"
	"go.mau.fi/whatsmeow/types"
)

// settleTime is how long a login waits for the device's previous connection to end. A client that closes and
// reconnects at once may be served before its old reader has seen the end; that is no conflict. One that has hung up by
// then is waited for, however long the old reader takes on a busy machine.
const settleTime = 250 * time.Millisecond

// login decides about a paired client: success, or a failure and the close.
func (s *Simulator) login(c *connection, payload *waWa6.ClientPayload) {
	number, deviceNumber := strconv.FormatUint(payload.GetUsername(), 10), uint16(payload.GetDevice())
	c.name.Store(&connectionName{number, deviceNumber})
	if s.suffersLogin(c, number) {
		return
	}
	s.awaitPrevious(s.previous(c, number, deviceNumber))
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.deviceLocked(number, deviceNumber)
	if d == nil || d.noiseKey != c.noiseKey {
		c.finish(loginFailure(401))
		return
	}
	alive := 1
	if old := d.connection; old != nil {
		if !hasHungUp(old.tcp) { // a login that came late may be of a client that has gone
			alive = 2
		}
		old.closeLocked(replacedConflict())
	}
	d.connection, d.active, c.device = c, false, d
	d.version = versionOf(payload)
	s.referee.login(d.endpoint(), alive)
	d.account.tellChanged()
	c.push(element("success", waBinary.Attrs{"t": now(), "lid": d.endpoint().lid(), "location": "sim", "display_name": d.account.name}))
}

func versionOf(payload *waWa6.ClientPayload) string {
	version := payload.GetUserAgent().GetAppVersion()
	return fmt.Sprintf("%d.%d.%d", version.GetPrimary(), version.GetSecondary(), version.GetTertiary())
}

func (s *Simulator) deviceLocked(number string, deviceNumber uint16) *device {
	if a := s.accounts[number]; a != nil {
		return a.devices[deviceNumber]
	}
	return nil
}

func (s *Simulator) awaitPrevious(previous *connection) {
	if previous == nil {
		return
	}
	timer := time.NewTimer(settleTime)
	defer timer.Stop()
	select {
	case <-previous.ended:
	case <-timer.C:
		previous.awaitHungUp()
	case <-s.stopped.Done():
	}
}

// previous is the connection with which the device of a new one has logged in before. One that is just being linked
// has said so on another, where that may still have to be read.
func (s *Simulator) previous(c *connection, number string, deviceNumber uint16) *connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.deviceLocked(number, deviceNumber); d != nil {
		return d.connection
	}
	for other := range s.connections {
		if r := other.registration; r != nil && r.claim != nil && r.claim.device.noiseKey == c.noiseKey {
			return other
		}
	}
	return nil
}

// awaitHungUp waits for the end of a connection that its client has closed.
func (c *connection) awaitHungUp() {
	if !hasHungUp(c.tcp) {
		return
	}
	select {
	case <-c.ended:
	case <-c.sim.stopped.Done():
	}
}

// detachLocked takes the connection away from its device: it serves nobody any more.
func (c *connection) detachLocked() {
	c.closing = true
	if d := c.device; d != nil && d.connection == c {
		d.connection, d.active = nil, false
		d.account.tellChanged()
	}
}

// closeLocked sends a last stanza and closes after the grace.
func (c *connection) closeLocked(last waBinary.Node) {
	c.detachLocked()
	c.finish(last)
}

// unlinkLocked removes a companion: it is told at once if connected, refused at its next login, and everyone who knows
// it learns of it.
func (s *Simulator) unlinkLocked(d *device) {
	d.removed = true
	d.queue = nil
	delete(d.account.devices, d.number)
	d.account.tellChanged()
	s.announceLocked("remove", d)
	if c := d.connection; c != nil {
		c.closeLocked(deviceRemoved())
	}
}

func (s *Simulator) unlinkAllLocked(a *account) {
	for _, d := range a.devices {
		s.unlinkLocked(d)
	}
}

// becomeActive answers the request that ends a login: what was queued while the device was away is delivered in order,
// framed by a preview and a count, and from then on stanzas are pushed as they come.
func (s *Simulator) becomeActive(c *connection, d *device, request *waBinary.Node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.push(result(request))
	if d.connection != c {
		return
	}
	c.push(offlineBatch(d.queue)...)
	d.active = true
	if !d.introduced {
		d.introduced = true
		d.account.phone.inbox.post(func() { d.account.phone.introduce(d.endpoint()) })
	}
}

// maxOfflineMark is the highest value of the offline attribute. Its meaning is not known; clients ignore it.
const maxOfflineMark = 9

// offlineBatch is what a device gets at login. The count at its end is sent even if nothing was queued: clients know
// from nothing else that they are up to date.
func offlineBatch(queue []queued) []waBinary.Node {
	counts := map[string]int{}
	for _, q := range queue {
		counts[q.node.Tag]++
	}
	batch := []waBinary.Node{serverInfo("offline_preview", waBinary.Attrs{
		"count": len(queue), "message": counts["message"], "receipt": counts["receipt"],
		"notification": counts["notification"], "appdata": 0,
	})}
	for i, q := range queue {
		batch = append(batch, withAttr(q.node, "offline", min(i, maxOfflineMark)))
	}
	return append(batch, serverInfo("offline", waBinary.Attrs{"count": len(queue)}))
}

func serverInfo(tag string, attrs waBinary.Attrs) waBinary.Node {
	return element("ib", waBinary.Attrs{"from": types.ServerJID}, element(tag, attrs))
}
