package sink

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
)

func TestANameHasFourPartsWhateverTheTenantIsCalled(t *testing.T) {
	event := actors.Event{
		Account: "31612345678", Kind: actors.EventMessage, At: time.Unix(0, 0),
		Cursor: actors.Cursor{Log: "log", Seq: 1}, Data: json.RawMessage(`{}`),
	}
	for tenant, want := range map[string]string{
		"": "_", "acme": "acme", "acme-2_B": "acme-2_B", "a.b": "a_b", "*": "_", "a >": "a__", "ü#": "__",
	} {
		require.Equal(t, "whatsapp."+want+".31612345678.message", messageOf(event, tenant).name("whatsapp"))
	}
}
