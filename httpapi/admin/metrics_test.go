package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
)

// page is what Prometheus reads.
func page(t *testing.T, m *Metrics) string {
	t.Helper()
	answer := httptest.NewRecorder()
	m.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	require.Equal(t, http.StatusOK, answer.Code)
	return answer.Body.String()
}

func tell(t *testing.T, m *Metrics, kind actors.EventKind, payload any) {
	t.Helper()
	data, err := json.Marshal(payload)
	require.NoError(t, err)
	m.Told(actors.Event{Account: "31600000001", Kind: kind, Data: data, Cursor: actors.Cursor{Log: "L", Seq: 1}})
}

func TestLabelsAreOutOfClosedSetsWhateverOthersSay(t *testing.T) {
	m := NewMetrics()
	before := len(regexp.MustCompile(`(?m)^whatsapp_`).FindAllString(page(t, m), -1))
	for i := range 1000 {
		m.Opened()
		m.Closed(3000 + i) // a client's own code
		m.Posted(200+i%100, time.Millisecond)
		tell(t, m, actors.EventConnectionState, actors.ConnectionStateEvent{State: "restricted", Reason: "in WhatsApp's words " + strconv.Itoa(i)})
	}
	text := page(t, m)
	for _, line := range []string{
		`whatsapp_sockets_closed_total{code="other"} 1000`, `whatsapp_webhook_requests_total{status="2xx"} 1000`,
		`whatsapp_session_changes_total{reason="",state="restricted"} 1000`, "whatsapp_sockets_open 0",
	} {
		require.Contains(t, text, line+"\n")
	}
	const fresh = 4 // the three above, and the kind of event
	require.Len(t, regexp.MustCompile(`(?m)^whatsapp_`).FindAllString(text, -1), before+fresh)
}

func TestWhatIsTheCaseIsAskedForWhenItIsRead(t *testing.T) {
	m := NewMetrics()
	places, visits := Family{Name: "test_places", Help: "Places.", Label: "at"}, Family{Name: "test_visits_total", Help: "Visits.", Counter: true}
	asked := 0.0
	m.Read([]Family{places, visits}, func(ctx context.Context, tell Tell) {
		_, limited := ctx.Deadline()
		require.True(t, limited)
		asked++
		tell(places, "home", 2)
		tell(visits, "", asked)
	})
	page(t, m)
	require.Contains(t, page(t, m), "# TYPE test_visits_total counter\ntest_visits_total 2\n")
	require.Contains(t, page(t, m), "# TYPE test_places gauge\ntest_places{at=\"home\"} 2\n")
}

func TestDeliveriesToWebhooksAndBrokersAreCounted(t *testing.T) {
	m := NewMetrics()
	m.Posted(0, time.Second)
	m.Posted(http.StatusBadGateway, time.Second)
	m.Published("nats", 3, nil)
	m.Published("nats", 1, errors.New("gone"))
	for _, line := range []string{
		`whatsapp_webhook_requests_total{status="none"} 1`, `whatsapp_webhook_requests_total{status="5xx"} 1`,
		`whatsapp_sink_events_total{sink="nats"} 4`, `whatsapp_sink_failures_total{sink="nats"} 1`, "whatsapp_webhook_request_seconds_count 2",
	} {
		require.Contains(t, page(t, m), line+"\n")
	}
}
