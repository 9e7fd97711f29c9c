package simulator

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// post is a message of a newsletter, as plain as its owner has sent it.
type post struct {
	server    int64 // its number
	id        string
	kind      string // text, media, poll…
	plain     []byte // a waE2E.Message, nil once taken back
	media     string // which media, empty for what is none
	at        time.Time
	edited    time.Time // zero if it never was
	changed   time.Time // when its counts did
	views     map[*account]bool
	reactions map[*account]string
}

const (
	// firstPost is the number of a newsletter's first post, as in the real service.
	firstPost = 100
	// maxPosts bounds a newsletter.
	maxPosts = 10_000
)

// letter is what somebody sends to a newsletter.
type letter struct {
	id, kind, media string
	edit            types.EditAttribute
	plain           []byte
}

// publish takes a post, or its edit or withdrawal, and delivers it to all followers' companions but the one that has
// sent it, which is nil for the phone. A repetition changes nothing.
func (s *Simulator) publish(by *account, author *device, to types.JID, sent letter) (*post, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.newsletterLocked(to)
	if err != nil {
		return nil, err
	}
	if n.owner != by {
		return nil, fmt.Errorf("%s: %w", by.number, ErrNotOwner)
	}
	p := n.byID(sent.id)
	switch edits := sent.edit != types.EditAttributeEmpty; {
	case !edits && p != nil:
		return p, nil
	case edits && p == nil:
		return nil, fmt.Errorf("%q: %w", sent.id, ErrUnknownPost)
	case edits:
		p.plain, p.media, p.edited = sent.plain, sent.media, time.Now()
		if sent.edit == types.EditAttributeAdminRevoke {
			p.plain = nil
		}
	case sent.plain == nil:
		return nil, fmt.Errorf("%w: a post without content", ErrBadNewsletter)
	case len(n.posts) >= maxPosts:
		return nil, ErrNewsletterFull
	default:
		p = &post{
			server: firstPost + int64(len(n.posts)), id: sent.id, kind: sent.kind, plain: sent.plain, media: sent.media,
			at: time.Now(), changed: time.Now(), views: map[*account]bool{}, reactions: map[*account]string{},
		}
		n.posts = append(n.posts, p)
	}
	for a := range n.followers {
		s.tellOwnLocked(a, author, p.message(n.jid, sent.edit))
	}
	return p, nil
}

func (n *newsletter) byID(id string) *post {
	at := slices.IndexFunc(n.posts, func(p *post) bool { return p.id == id })
	if at < 0 {
		return nil
	}
	return n.posts[at]
}

// numbered finds the post with a number.
func (n *newsletter) numbered(server int64) (*post, error) {
	if server < firstPost || server >= firstPost+int64(len(n.posts)) {
		return nil, fmt.Errorf("%d: %w", server, ErrUnknownPost)
	}
	return n.posts[server-firstPost], nil
}

// message is the post as its followers get it.
func (p *post) message(from types.JID, edit types.EditAttribute) waBinary.Node {
	node := p.node()
	node.Attrs["from"] = from
	if edit != types.EditAttributeEmpty {
		node.Attrs["edit"] = string(edit)
		node.Content = append(node.GetChildren(), element("meta", waBinary.Attrs{
			"msg_edit_t": p.edited.UnixMilli(), "original_msg_t": p.at.Unix(),
		}))
	}
	return node
}

// node is the post with its text.
func (p *post) node() waBinary.Node {
	plain := waBinary.Node{Tag: "plaintext", Attrs: waBinary.Attrs{}}
	if p.media != "" {
		plain.Attrs["mediatype"] = p.media
	}
	if p.plain != nil {
		plain.Content = p.plain
	}
	return element("message", p.attrs(), plain)
}

func (p *post) attrs() waBinary.Attrs {
	return waBinary.Attrs{"id": p.id, "server_id": p.server, "type": p.kind, "t": p.at.Unix()}
}

// counts are how often the post was seen, and how often it got each reaction.
func (p *post) counts() []waBinary.Node {
	var reactions []waBinary.Node
	given := p.reactionCounts()
	for _, code := range slices.Sorted(maps.Keys(given)) {
		reactions = append(reactions, element("reaction", waBinary.Attrs{"code": code, "count": given[code]}))
	}
	return []waBinary.Node{element("views_count", waBinary.Attrs{"count": len(p.views)}), element("reactions", nil, reactions...)}
}

func (p *post) reactionCounts() map[string]int {
	given := map[string]int{}
	for _, code := range p.reactions {
		given[code]++
	}
	return given
}

// react gives a post somebody's reaction in place of the one before; none takes it back.
func (s *Simulator) react(by *account, to types.JID, server int64, code string) error {
	return s.count(to, server, func(p *post) bool {
		before := p.reactions[by]
		if code == "" {
			delete(p.reactions, by)
		} else {
			p.reactions[by] = code
		}
		return before != code
	})
}

// view notes that somebody has seen a post.
func (s *Simulator) view(by *account, to types.JID, server int64) error {
	return s.count(to, server, func(p *post) bool {
		before := p.views[by]
		p.views[by] = true
		return !before
	})
}

// count changes a post's counts, and tells who watches them.
func (s *Simulator) count(to types.JID, server int64, change func(*post) (changed bool)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.newsletterLocked(to)
	if err != nil {
		return err
	}
	p, err := n.numbered(server)
	if err != nil || !change(p) {
		return err
	}
	p.changed = time.Now()
	n.showLocked(p)
	return nil
}

// showLocked tells the devices that watch a newsletter of a post's counts. It is not kept for those that are away.
func (n *newsletter) showLocked(p *post) {
	update := notification(n.jid, "newsletter", element("live_updates", nil, element("message", p.attrs(), p.counts()...)))
	for d, until := range n.watchers {
		switch {
		case d.removed || time.Now().After(until):
			delete(n.watchers, d)
		case d.active:
			d.connection.push(update)
		}
	}
}

// takeLetter takes what a companion sends to a newsletter. It returns the ack, or the code of a refusal.
func (s *Simulator) takeLetter(d *device, node *waBinary.Node) (ack waBinary.Node, code int) {
	to := attrJID(node, "to")
	ack = withAttr(ackFor(node), "t", now())
	if reaction, ok := node.GetOptionalChildByTag("reaction"); ok {
		given := attr(&reaction, "code")
		return ack, newsletterCode(s.react(d.account, to, attrInt(node, "server_id"), given))
	}
	plain := node.GetChildByTag("plaintext")
	if attr(node, "edit") == "" {
		if err := s.checkOpenFile(content(&plain), attr(node, "media_id")); err != nil {
			return ack, newsletterCode(err)
		}
	}
	p, err := s.publish(d.account, d, to, letter{
		id: attr(node, "id"), kind: attr(node, "type"), media: attr(&plain, "mediatype"),
		edit: types.EditAttribute(attr(node, "edit")), plain: content(&plain),
	})
	if err != nil {
		return ack, newsletterCode(err)
	}
	return withAttr(withAttr(ack, "t", p.at.Unix()), "server_id", p.server), 0
}

func newsletterCode(err error) int {
	if err == nil {
		return 0
	}
	return newsletterRefusal(err)
}

// takeViews takes a companion's note of the posts that its user has seen, and acknowledges it: the client waits for that.
func (s *Simulator) takeViews(d *device, node *waBinary.Node) {
	list := node.GetChildByTag("list")
	for _, item := range list.GetChildrenByTag("item") {
		_ = s.view(d.account, attrJID(node, "to"), attrInt(&item, "server_id")) // there is no answer that says which are unknown
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.connection != nil {
		d.connection.push(element("ack", waBinary.Attrs{"class": "receipt", "id": attr(node, "id"), "from": attrJID(node, "to"), "type": receiptViewed}))
	}
}

// The requests of the namespace newsletter.

// maxPostsAnswer is how many posts one answer holds.
const maxPostsAnswer = 100

func (s *Simulator) answerPosts(_ *connection, _ *device, request *waBinary.Node) waBinary.Node {
	asked := request.GetChildByTag("messages")
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.newsletters[attrJID(&asked, "jid")]
	if key := attr(&asked, "key"); key != "" {
		n = s.channels[key]
	}
	if n == nil {
		return failed(request, 404, "item-not-found")
	}
	end := len(n.posts)
	if before := attrInt(&asked, "before"); before > 0 {
		end = min(max(int(before-firstPost), 0), end)
	}
	var nodes []waBinary.Node
	for _, p := range n.posts[max(end-wantedPosts(&asked), 0):end] {
		node := p.node()
		node.Content = append(node.GetChildren(), p.counts()...)
		nodes = append(nodes, node)
	}
	return result(request, element("messages", waBinary.Attrs{"jid": n.jid, "t": now()}, nodes...))
}

func wantedPosts(asked *waBinary.Node) int {
	if count := int(attrInt(asked, "count")); count > 0 {
		return min(count, maxPostsAnswer)
	}
	return maxPostsAnswer
}

// answerPostUpdates answers the counts of the posts that have changed since a time or follow a post.
func (s *Simulator) answerPostUpdates(_ *connection, _ *device, request *waBinary.Node) waBinary.Node {
	asked := request.GetChildByTag("message_updates")
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.newsletters[attrJID(request, "to")]
	if n == nil {
		return failed(request, 404, "item-not-found")
	}
	since, after := attrInt(&asked, "since"), attrInt(&asked, "after")
	var nodes []waBinary.Node
	for _, p := range n.posts {
		if p.server > after && p.changed.Unix() >= since && len(nodes) < wantedPosts(&asked) {
			nodes = append(nodes, element("message", p.attrs(), p.counts()...))
		}
	}
	return result(request, element("message_updates", nil, element("messages", waBinary.Attrs{"jid": n.jid, "t": now()}, nodes...)))
}

// watchFor is how long a device hears of counts once it has asked to.
const watchFor = 5 * time.Minute

func (s *Simulator) watchNewsletter(_ *connection, d *device, request *waBinary.Node) waBinary.Node {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.newsletters[attrJID(request, "to")]
	if n == nil {
		return failed(request, 404, "item-not-found")
	}
	n.watchers[d] = time.Now().Add(watchFor)
	return result(request, element("live_updates", waBinary.Attrs{"duration": strconv.Itoa(int(watchFor.Seconds()))}))
}
