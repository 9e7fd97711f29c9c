package actors

import (
	"cmp"
	"context"
	"io"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"

	"whatsapp-web-server/actors/fetch"
	"whatsapp-web-server/actors/media"
)

// Bounds of what is read to make a preview. Pages say what they are about at their
// beginning; the rest of a longer one is left.
const (
	unfurlTimeout    = 10 * time.Second
	maxLinkedPage    = 1 << 20
	maxLinkedPicture = 4 << 20
	maxShownTitle    = 300 // runes
	maxShownText     = 600 // runes
)

// remote is a draft that has to look elsewhere first, and not at WhatsApp.
type remote interface {
	Draft
	// look gives the draft that is sent in its place.
	look(ctx context.Context, web *fetch.Client) Draft
}

// Unfurled is a draft of words with a preview of the first link in them, which is
// fetched. Where there is no link, or it cannot be reached, or says nothing of what
// it is, the words go without.
type Unfurled struct {
	Body string
}

func (u Unfurled) compose(ctx context.Context, c *composition) (*waE2E.Message, error) {
	return Text(u).compose(ctx, c)
}

// linkInText is as much of a text as may be a link.
var linkInText = regexp.MustCompile(`https?://[^\s<>"]+`)

func (u Unfurled) look(ctx context.Context, web *fetch.Client) Draft {
	link := strings.TrimRight(linkInText.FindString(u.Body), ".,;:!?)]}'")
	if link == "" || web == nil {
		return Text(u)
	}
	ctx, cancel := context.WithTimeout(ctx, unfurlTimeout)
	defer cancel()
	page, err := readPage(ctx, web, link)
	if err != nil || page.title == "" {
		return Text(u)
	}
	preview := Preview{URL: link, Title: shortened(page.title, maxShownTitle), Description: shortened(page.description, maxShownText)}
	if picture, err := url.Parse(page.picture); err == nil && page.picture != "" {
		if base, err := url.Parse(link); err == nil {
			preview.Thumbnail = thumbnailOf(ctx, web, base.ResolveReference(picture).String())
		}
	}
	return Linked{u.Body, preview}
}

func shortened(text string, limit int) string {
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit-1]) + "…"
}

// webPage is what a page says it is about.
type webPage struct {
	title, description, picture string
}

func readPage(ctx context.Context, web *fetch.Client, link string) (webPage, error) {
	content, err := web.Get(ctx, link, maxLinkedPage)
	if err != nil {
		return webPage{}, err
	}
	defer content.Close()
	decoded, err := charset.NewReader(content, content.Type)
	if err != nil {
		return webPage{}, err
	}
	return about(decoded), nil
}

// about reads the head of a page: what is meant for previews (Open Graph) before what
// is there for everybody.
func about(from io.Reader) webPage {
	var heading string
	said := map[string]string{}
	tokens := html.NewTokenizer(from)
	tokens.SetMaxBuf(maxLinkedPage)
	for kind := tokens.Next(); kind != html.ErrorToken; kind = tokens.Next() {
		token := tokens.Token()
		if token.DataAtom == atom.Body {
			break
		}
		switch {
		case kind == html.StartTagToken && token.DataAtom == atom.Title && tokens.Next() == html.TextToken:
			heading = tokens.Token().Data
		case token.DataAtom == atom.Meta:
			name, content := meta(token)
			said[name] = cmp.Or(said[name], content)
		}
	}
	return webPage{cmp.Or(said["og:title"], heading), cmp.Or(said["og:description"], said["description"]), said["og:image"]}
}

func meta(token html.Token) (name, content string) {
	for _, attribute := range token.Attr {
		switch attribute.Key {
		case "property", "name":
			name = strings.ToLower(attribute.Val)
		case "content":
			content = attribute.Val
		}
	}
	return name, content
}

// thumbnailOf makes a small picture of one that is elsewhere; nil where that cannot be.
func thumbnailOf(ctx context.Context, web *fetch.Client, address string) []byte {
	content, err := web.Get(ctx, address, maxLinkedPicture)
	if err != nil {
		return nil
	}
	defer content.Close()
	file, err := media.Store(content, maxLinkedPicture)
	if err != nil {
		return nil
	}
	defer file.Close()
	described, err := media.Describe(ctx, file, media.Image)
	if err != nil || len(described.Thumbnail) > maxThumbnail {
		return nil
	}
	return described.Thumbnail
}
