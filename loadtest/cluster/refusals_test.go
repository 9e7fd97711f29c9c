package cluster

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNodesThatCannotBelongToTheClusterAreRefused(t *testing.T) {
	f := newFleet(t, "postgres", 1)
	for name, c := range map[string]struct{ variable, sentence string }{
		"with another secret":                 {"CLUSTER_SECRET=another" + secret, "another CLUSTER_SECRET"},
		"with a storage of its own":           {"STORAGE_TYPE=sqlite", "sqlite belongs to one process"},
		"with an address that is nobody's":    {"CLUSTER_ADVERTISE=0.0.0.0:3004", "not an address that other nodes can reach"},
		"without a secret":                    {"CLUSTER_SECRET=", "CLUSTER_SECRET: must be set with CLUSTER"},
		"with a secret that can be guessed":   {"CLUSTER_SECRET=secret", "32 characters or more"},
		"with a registry that does not exist": {"CLUSTER_REDIS_URL=redis://127.0.0.1:1", "the registry of owners does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			n := f.add(t, "stranger", c.variable)
			f.nodes = f.nodes[:1]
			t.Cleanup(n.abandon)
			n.begin(t)
			select {
			case <-n.gone:
			case <-time.After(patience):
				require.Fail(t, "it goes on", n.lastWords())
			}
			require.NotZero(t, n.command.ProcessState.ExitCode())
			require.Contains(t, n.lastWords(), c.sentence)
		})
	}
	f.awaitNodes(t, 1)
	t.Run("who is no node", func(t *testing.T) { f.intrude(t) })
	lost := f.add(t, "lost", "CLUSTER_ADVERTISE=127.0.0.1:1")
	t.Run("whom others cannot reach is told so", func(t *testing.T) {
		lost.launch(t)
		require.Eventually(t, func() bool { return lost.says("cannot be reached where others will look for it (CLUSTER_ADVERTISE)") },
			patience, 20*time.Millisecond)
	})
}

// intrude comes to the port of nodes without their secret.
func (f *fleet) intrude(t *testing.T) {
	t.Helper()
	session, err := f.owners.ZRange(t.Context(), "wa:cluster:{nodes}:sessions", 0, 0).Result()
	require.NoError(t, err)
	record, err := f.owners.Get(t.Context(), "wa:cluster:{nodes}:lease:"+session[0]).Bytes()
	require.NoError(t, err)
	var node struct{ Address string }
	require.NoError(t, json.Unmarshal(record, &node))

	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // it believes anybody
	defer transport.CloseIdleConnections()
	stranger := &http.Client{Transport: transport}
	_, err = stranger.Get("https://" + node.Address + "/api/clients/status")
	require.ErrorContains(t, err, "tls: certificate required")
	response, err := http.Get("http://" + node.Address + "/api/clients/status")
	require.NoError(t, err)
	require.Equal(t, http.StatusBadRequest, response.StatusCode)
	require.NoError(t, response.Body.Close())
}
