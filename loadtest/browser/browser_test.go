package browser

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// patience bounds every wait of these tests; the browser takes seconds to start on a busy machine.
const patience = 60 * time.Second

// glance is the time between two looks at the page.
const glance = 20 * time.Millisecond

// quiet keeps a browser from looking things up on the internet. It runs without its sandbox, which root cannot have, as
// it shows nothing but the page under test.
var quiet = []chromedp.ExecAllocatorOption{
	chromedp.NoSandbox,
	chromedp.DisableGPU,
	chromedp.Flag("disable-quic", true),
	chromedp.Flag("disable-component-update", true),
}

// tab is a browser with one page open.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	problems []string // that the page has told the console
}

// open starts a browser and shows a page. Both end with the test, which fails if the page has complained by then.
func open(t *testing.T, url string) *tab {
	t.Helper()
	if os.Getenv("TEST_BROWSER") == "" {
		t.Skip("needs a browser; make test-browser brings it and runs this test")
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:], quiet...)...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(allocator)
	b := &tab{t: t, ctx: ctx}
	require.NoError(t, chromedp.Do(ctx)) // starts it; a deadline here would be that of the browser
	listened := b.listen()
	t.Cleanup(func() {
		b.requireNoProblems()
		closeTab()
		<-listened
	})
	b.does(chromedp.EmulateViewport(1440, 900), chromedp.Navigate(url)) // wide enough for all parts side by side
	return b
}

// listen collects warnings and errors of the console until the tab is closed.
func (b *tab) listen() (done chan struct{}) {
	done = make(chan struct{})
	console := chromedp.Console(b.ctx)
	go func() {
		defer close(done)
		for message, err := range console {
			if err != nil {
				return
			}
			switch message.Type {
			case chromedp.ConsoleWarning, chromedp.ConsoleError, chromedp.ConsoleException:
				b.mu.Lock()
				b.problems = append(b.problems, fmt.Sprint(message, " ", message.URL, ":", message.Line))
				b.mu.Unlock()
			default:
			}
		}
	}()
	return done
}

func (b *tab) requireNoProblems() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Empty(b.t, b.problems, "the console has")
}

// does does what a user would do, one after the other.
func (b *tab) does(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	require.NoError(b.t, chromedp.Do(ctx, steps...))
}

// found is an expression for the element that a selector means, which is an XPath if it begins with a slash.
func found(selector string) string {
	if strings.HasPrefix(selector, "/") {
		return fmt.Sprintf("document.evaluate(%q, document, null, XPathResult.FIRST_ORDERED_NODE_TYPE).singleNodeValue", selector)
	}
	return fmt.Sprintf("document.querySelector(%q)", selector)
}

// sees waits until an element is visible, and returns its text. It looks in one step, as live parts of the page are
// replaced at any time.
func (b *tab) sees(selector string) (text string) {
	b.t.Helper()
	type look struct {
		Seen bool
		Text string
	}
	var last look
	require.Eventually(b.t, func() bool {
		var err error
		last, err = ask[look](b, "((e) => ({ Seen: Boolean(e?.checkVisibility()), Text: e?.textContent ?? '' }))("+found(selector)+")")
		return err == nil && last.Seen
	}, patience, glance, selector)
	return last.Text
}

// press clicks an element of a live part, where a pointer could come too late.
func (b *tab) press(selector string) {
	b.t.Helper()
	b.sees(selector)
	evaluate[chromedp.Void](b, found(selector)+".click()")
}

// evaluate asks the page.
func evaluate[T any](b *tab, expression string) T {
	b.t.Helper()
	value, err := ask[T](b, expression)
	require.NoError(b.t, err, expression)
	return value
}

func ask[T any](b *tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression))
}
