// Package browser tries the simulator's page with a real browser. Run it with make test-browser.
package browser

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types/events"
	"go.uber.org/goleak"

	"whatsapp-web-server/loadtest/bare"
	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

const (
	alice = "491700000001"
	bob   = "491700000002"
)

func TestMain(m *testing.M) {
	whatsmeow.WACertPubKey = simulatortest.RootKey()
	goleak.VerifyTestMain(m, append(simulatortest.ClientLeaks(), // and two that outlive fasthttp's servers
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))...)
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// phones runs a simulator with two phones.
func phones(t *testing.T) (sim *simulator.Simulator, a, b *simulator.Phone) {
	t.Helper()
	sim = simulatortest.Start(t)
	a, err := sim.AddPhone(alice, "Alice")
	require.NoError(t, err)
	b, err = sim.AddPhone(bob, "Bob")
	require.NoError(t, err)
	return sim, a, b
}

// device is a whatsmeow client that shows a QR code.
type device struct {
	codes     chan string
	texts     chan string
	loggedOut chan struct{}
}

func newDevice(t *testing.T, sim *simulator.Simulator) *device {
	t.Helper()
	d := &device{codes: make(chan string, 1), texts: make(chan string, 10), loggedOut: make(chan struct{}, 1)}
	client := bare.NewClient(simulatortest.HTTPClient(t, sim))
	client.AddEventHandler(func(event any) {
		switch e := event.(type) {
		case *events.QR:
			d.codes <- e.Codes[0]
		case *events.Message:
			if text := e.Message.GetConversation(); text != "" {
				d.texts <- text
			}
		case *events.LoggedOut:
			d.loggedOut <- struct{}{}
		}
	})
	t.Cleanup(client.Disconnect)
	require.NoError(t, client.ConnectContext(within(t)))
	return d
}

func row(number string) string { return `#phones [data-key="` + number + `"] button` }

// bubble is a message with these words, on the writer's side or on the other.
func bubble(side, words string) string {
	return fmt.Sprintf(`//li[contains(@class, "%s")]//p[@class="words"][.='%s']`, side, words)
}

func TestThePageShowsAPhoneLiveAndWritesAsItsOwner(t *testing.T) {
	sim, ann, bobs := phones(t)
	page := open(t, sim.ControlURL())
	require.Contains(t, page.sees(row(alice)), "Alice")
	require.Contains(t, page.sees(row(bob)), bobs.LID().String())

	linked := newDevice(t, sim)
	page.press(row(bob))
	page.does(
		chromedp.SetValue("#scan textarea", simulatortest.Receive(t, linked.codes, patience)), // pasted, as the label asks for
		chromedp.Click("#scan button"),
	)
	page.sees(`#devices [data-key="1"][data-state="good"]`)

	const markup = "<b>hello</b> <img src=x onerror=alert(1)>"
	_, err := ann.SendText(within(t), bob, markup)
	require.NoError(t, err)
	require.Equal(t, markup, page.sees(bubble("theirs", markup)))
	require.Equal(t, markup, simulatortest.Receive(t, linked.texts, patience))

	page.does(chromedp.SendKeys("#text", "from the page"), chromedp.Click("#write button"))
	page.sees(bubble("mine", "from the page"))
	require.Equal(t, "from the page", simulatortest.Receive(t, linked.texts, patience))
	page.sees(`.mine [data-state="delivered"]`)
	got, err := ann.WaitMessages(within(t), 0)
	require.NoError(t, err)
	require.Equal(t, "from the page", got[0].Text)
	require.NoError(t, ann.MarkRead(within(t), bob, got[0].ID))
	page.sees(`.mine [data-state="read"]`)

	page.press(`#devices [data-key="1"] button`)
	simulatortest.Receive(t, linked.loggedOut, patience)
	page.sees("#devices-empty")
}

func TestThePageSwitchesFaultsOnAndOff(t *testing.T) {
	sim, ann, bobs := phones(t)
	linked := newDevice(t, sim)
	require.NoError(t, bobs.Scan(within(t), simulatortest.Receive(t, linked.codes, patience)))
	page := open(t, sim.ControlURL())

	drop := `[data-op="message"] [aria-label="Messages to companions: drop"]`
	page.does(chromedp.Click(`[data-op="message"] > summary`), chromedp.Click(drop))
	page.sees(drop + `[aria-checked="true"]`)
	_, err := ann.SendText(within(t), bob, "lost on its way")
	require.NoError(t, err)
	require.Contains(t, page.sees(`//ul[@id="active"]//p[contains(., "struck 1×")]`), "of everybody")

	page.does(chromedp.Click(drop))
	page.sees(drop + `[aria-checked="false"]`)
	_, err = ann.SendText(within(t), bob, "heard")
	require.NoError(t, err)
	require.Equal(t, "heard", simulatortest.Receive(t, linked.texts, patience))
}

func TestThePageFitsItsWindowAndNamesItsControls(t *testing.T) {
	sim, ann, _ := phones(t)
	_, err := ann.SendText(within(t), bob, "aVeryLongWord"+fmt.Sprintf("%0500d", 0))
	require.NoError(t, err)
	page := open(t, sim.ControlURL()+"/#"+alice)
	page.sees("//ol[@id='messages']/li")
	for _, width := range []int64{390, 900, 1440} {
		page.does(chromedp.EmulateViewport(width, 800))
		require.LessOrEqual(t, evaluate[int64](page, "document.documentElement.scrollWidth"), width)
	}
	require.Empty(t, evaluate[[]string](page, `[...document.querySelectorAll("button, input, select, textarea")]
		.filter((e) => !e.textContent.trim() && !e.ariaLabel && !e.labels?.length).map((e) => e.outerHTML)`))
}

func TestThePageFollowsAReset(t *testing.T) {
	sim, _, _ := phones(t)
	page := open(t, sim.ControlURL()+"/#"+alice)
	page.sees("#phone-title")
	sim.Reset()
	page.sees("#nobody")
	_, err := sim.AddPhone(bob, "Robert")
	require.NoError(t, err)
	require.Contains(t, page.sees(row(bob)), "Robert")
}
