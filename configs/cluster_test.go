package configs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const clusterSecret = "CLUSTER_SECRET=0123456789abcdef0123456789abcdef"

// clustered is the environment of a node, and what differs from it.
func clustered(differs ...string) []string {
	return append([]string{"CLUSTER=redis", "STORAGE_TYPE=postgres", "CLUSTER_ADVERTISE=node-a:3004", clusterSecret, "ENCRYPTION_KEY_FILE=key"}, differs...)
}

func TestANodeOfAClusterNeedsASharedStorageASecretAndAnAddress(t *testing.T) {
	t.Parallel()
	require.Empty(t, variablesOf(t, clustered()))
	require.Equal(t, []string{"ENCRYPTION_KEY"}, variablesOf(t, clustered("ENCRYPTION_KEY_FILE=")))
	require.Equal(t, []string{"CLUSTER_ADVERTISE", "CLUSTER_SECRET", "ENCRYPTION_KEY"}, variablesOf(t, []string{"CLUSTER=redis", "STORAGE_TYPE=redis"}))
	require.Equal(t, []string{"CLUSTER"}, variablesOf(t, clustered("CLUSTER=etcd")))
	for storage, shared := range map[string]bool{"sqlite": false, "file": false, "memory": false, "redis": true, "postgres": true, "mongodb": true} {
		_, err := Load(clustered("STORAGE_TYPE="+storage), "")
		if shared {
			require.NoError(t, err, storage)
			continue
		}
		require.EqualError(t, err, "invalid configuration:\n  CLUSTER=\"redis\": needs a storage that all nodes share: "+
			"set STORAGE_TYPE to postgres, redis or mongodb; "+storage+" belongs to one process")
	}
}

func TestAProcessThatIsAloneNeedsNothingOfACluster(t *testing.T) {
	t.Parallel()
	require.Empty(t, variablesOf(t, []string{"CLUSTER_SECRET=short", "CLUSTER_LISTEN=nowhere", "CLUSTER_ADVERTISE=0.0.0.0:0"}))
}

func TestAnAddressIsAdvertisedThatOthersCanReach(t *testing.T) {
	t.Parallel()
	for advertised, allowed := range map[string]bool{
		"node-a:3004": true, "10.0.0.5:3004": true, "[fd00::5]:3004": true, "127.0.0.1:3004": true, "a.b.svc.cluster.local:3004": true,
		"0.0.0.0:3004": false, "[::]:3004": false, "[::ffff:0.0.0.0]:3004": false, ":3004": false, "node-a": false, "node-a:0": false,
		"node-a:http": false, "https://node-a:3004": false, "node a:3004": false,
	} {
		refused := variablesOf(t, clustered("CLUSTER_ADVERTISE="+advertised))
		if allowed {
			require.Empty(t, refused, advertised)
		} else {
			require.Equal(t, []string{"CLUSTER_ADVERTISE"}, refused, advertised)
		}
	}
	require.Empty(t, variablesOf(t, clustered("CLUSTER_ADVERTISE=", "CLUSTER_LISTEN=10.0.0.5:3004")))
	require.Equal(t, []string{"CLUSTER_LISTEN"}, variablesOf(t, clustered("CLUSTER_LISTEN=3004")))
	for _, wrong := range []string{"CLUSTER_WEIGHT=-1", "CLUSTER_LEASE=1s", "CLUSTER_LEASE=15", "CLUSTER_NODE_NAME=a b", "CLUSTER_REDIS_URL=localhost:6379"} {
		name, _, _ := strings.Cut(wrong, "=")
		require.Equal(t, []string{name}, variablesOf(t, clustered(wrong)))
	}
}

func TestWhereANodeIsRegisteredAndReached(t *testing.T) {
	t.Parallel()
	c, err := Load(clustered("REDIS_HOST=cache"), "")
	require.NoError(t, err)
	require.Equal(t, "redis://cache:6379/0", c.Cluster.Registry(&c.Redis).Reveal())
	require.Equal(t, "node-a:3004", c.Cluster.Advertised("10.0.0.5:3004"))
	host, err := os.Hostname()
	require.NoError(t, err)
	require.Equal(t, host, c.Cluster.Name())

	c, err = Load(clustered("CLUSTER_REDIS_URL=rediss://leases:6380", "CLUSTER_NODE_NAME=a", "CLUSTER_ADVERTISE=", "CLUSTER_LISTEN=10.0.0.5:0"), "")
	require.NoError(t, err)
	require.Equal(t, "rediss://leases:6380", c.Cluster.Registry(&c.Redis).Reveal())
	require.Equal(t, "10.0.0.5:41", c.Cluster.Advertised("10.0.0.5:41"))
	require.Equal(t, "a", c.Cluster.Name())
}

func TestNodesKnowEachOtherByALongSecretOrByCertificates(t *testing.T) {
	t.Parallel()
	_, err := Load(clustered("CLUSTER_SECRET=hush-hush"), "")
	require.EqualError(t, err, "invalid configuration:\n  CLUSTER_SECRET: must be 32 characters or more, or empty")
	none := filepath.Join(t.TempDir(), "none.pem")
	files := []string{"CLUSTER_TLS_CA_FILE=" + none, "CLUSTER_TLS_CERT_FILE=" + none, "CLUSTER_TLS_KEY_FILE=" + none}
	require.Equal(t, []string{"CLUSTER_SECRET"}, variablesOf(t, clustered(files...)))
	files = append(files, "CLUSTER_SECRET=")
	require.Equal(t, []string{"CLUSTER_TLS_CA_FILE", "CLUSTER_TLS_CERT_FILE"}, variablesOf(t, clustered(files...)))
	require.Equal(t, []string{"CLUSTER_TLS_CA_FILE"}, variablesOf(t, clustered(append(files, "CLUSTER_TLS_KEY_FILE=")...)))
}
