package configs

import (
	"cmp"
	"crypto/tls"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"time"
)

// RedisCluster is the [Cluster.Type] of nodes that find each other in Redis.
const RedisCluster = "redis"

// minSecret is how long [Cluster.Secret] has to be: nobody may find it by trying.
const minSecret = 32

// Cluster is how several processes serve the same accounts, each account on one of
// them. Nothing but Type counts where that is empty.
type Cluster struct {
	// Type is empty for a process that is alone, or [RedisCluster].
	Type string `env:"CLUSTER" envDefault:"" validate:"omitempty,oneof=redis" allowed:"redis, or empty"`

	// RedisURL is where the nodes are registered. Empty: the Redis of the storage's
	// variables.
	RedisURL Secret `env:"CLUSTER_REDIS_URL" envDefault:"" allowed:"a redis:// or rediss:// URL with a host, or empty"`

	// NodeName is what this process is called, and by what accounts find back to it.
	// Empty: the name of the host.
	NodeName string `env:"CLUSTER_NODE_NAME" envDefault:"" validate:"omitempty,hostname_rfc1123" allowed:"letters, digits, points and dashes, or empty"`

	// Listen is where requests of other nodes come in.
	Listen string `env:"CLUSTER_LISTEN" envDefault:"0.0.0.0:3004" allowed:"host:port, where port 0 takes any free one"`

	// Advertise is where other nodes reach Listen. Empty: Listen itself.
	Advertise string `env:"CLUSTER_ADVERTISE" envDefault:"" allowed:"host:port as other nodes reach it, or empty"`

	// Secret is what the nodes know each other by. Empty: certificates.
	Secret Secret `env:"CLUSTER_SECRET" envDefault:"" allowed:"32 characters or more, or empty"`

	// CAFile, CertFile and KeyFile are what they know each other by instead.
	CAFile   string `env:"CLUSTER_TLS_CA_FILE" envDefault:"" allowed:"the path of a readable PEM file with at least one certificate, or empty"`
	CertFile string `env:"CLUSTER_TLS_CERT_FILE" envDefault:"" allowed:"the path of a PEM file with the node's certificate, or empty"`
	KeyFile  string `env:"CLUSTER_TLS_KEY_FILE" envDefault:"" allowed:"the path of a PEM file with the key of the certificate, or empty"`

	// Weight is this node's share of accounts, compared with that of others.
	Weight float64 `env:"CLUSTER_WEIGHT" envDefault:"1" validate:"min=0,max=1000" allowed:"a number from 0 to 1000, 0 takes requests alone"`

	// Lease is after how long without a sign of life a node's accounts go to others.
	Lease time.Duration `env:"CLUSTER_LEASE" envDefault:"15s" validate:"min=3s,max=5m" allowed:"a time from 3s to 5m"`
}

// Enabled tells whether there may be other nodes.
func (c *Cluster) Enabled() bool { return c.Type != "" }

// Name is what this process is called.
func (c *Cluster) Name() string {
	host, _ := os.Hostname()
	return cmp.Or(c.NodeName, host, "node")
}

// Advertised is where other nodes reach a listener that is bound to an address.
func (c *Cluster) Advertised(bound string) string { return cmp.Or(c.Advertise, bound) }

// Registry returns the URL of the Redis in which the nodes find each other, with its
// password.
func (c *Cluster) Registry(storage *Redis) Secret { return cmp.Or(c.RedisURL, storage.Address()) }

// problems returns what is wrong, also with the storage of a cluster.
func (c *Cluster) problems(storage string) []Problem {
	if !c.Enabled() {
		return nil
	}
	var problems []Problem
	wrong := func(field, value string) { problems = append(problems, variableOf(c, field).problem(value)) }
	if slices.Contains([]string{SQLiteStorage, FileStorage, MemoryStorage}, storage) {
		problems = append(problems, Problem{
			"CLUSTER", c.Type, "needs a storage that all nodes share: set STORAGE_TYPE to postgres, redis or mongodb; " + storage + " belongs to one process",
		})
	}
	if c.RedisURL != "" && !isServer(c.RedisURL, "redis", "rediss") {
		wrong("RedisURL", "")
	}
	host, _, ok := hostPort(c.Listen)
	if !ok {
		wrong("Listen", c.Listen)
	}
	problems = append(problems, c.unreachable(host)...)
	return append(problems, c.stranger()...)
}

// unreachable says what keeps others from reaching this node, which listens on a host.
func (c *Cluster) unreachable(listens string) []Problem {
	const reason = "must be set where CLUSTER_LISTEN has no host of its own: host:port by which the other nodes reach this one"
	if c.Advertise == "" {
		if isWildcard(listens) {
			return []Problem{{"CLUSTER_ADVERTISE", "", reason}}
		}
		return nil
	}
	host, port, ok := hostPort(c.Advertise)
	if !ok || port == 0 {
		return []Problem{variableOf(c, "Advertise").problem(c.Advertise)}
	}
	if isWildcard(host) {
		return []Problem{{"CLUSTER_ADVERTISE", c.Advertise, "is not an address that other nodes can reach: " + host + " means every address of whoever asks"}}
	}
	return nil
}

// stranger says what keeps other nodes from knowing this one.
func (c *Cluster) stranger() []Problem {
	files := []string{c.CAFile, c.CertFile, c.KeyFile}
	given := slices.ContainsFunc(files, func(path string) bool { return path != "" })
	switch {
	case !given && c.Secret == "":
		return []Problem{{"CLUSTER_SECRET", "", "must be set with CLUSTER, the same on every node, for example from `openssl rand -hex 32`; or the three CLUSTER_TLS_ variables"}}
	case !given && len(c.Secret) < minSecret:
		return []Problem{variableOf(c, "Secret").problem("")}
	case !given:
		return nil
	case c.Secret != "":
		return []Problem{{"CLUSTER_SECRET", "", "must not be set beside CLUSTER_TLS_ variables: nodes know each other by one or the other"}}
	case slices.Contains(files, ""):
		return []Problem{{"CLUSTER_TLS_CA_FILE", c.CAFile, "needs CLUSTER_TLS_CERT_FILE and CLUSTER_TLS_KEY_FILE too, and they need it"}}
	}
	var problems []Problem
	if !holdsCertificate(c.CAFile) {
		problems = append(problems, variableOf(c, "CAFile").problem(c.CAFile))
	}
	if _, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile); err != nil {
		problems = append(problems, Problem{"CLUSTER_TLS_CERT_FILE", c.CertFile, "is no certificate with the key in CLUSTER_TLS_KEY_FILE: " + err.Error()})
	}
	return problems
}

// hostPort takes an address apart.
func hostPort(address string) (host string, port uint16, ok bool) {
	host, text, err := net.SplitHostPort(address)
	number, wrong := strconv.ParseUint(text, 10, 16)
	return host, uint16(number), err == nil && wrong == nil && tagRules.Var(host, "hostname_rfc1123|ip") == nil
}

// isWildcard tells addresses to listen on that nobody can connect to.
func isWildcard(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsUnspecified()
}
