package internode

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"

	"go.uber.org/zap"
)

// Listener accepts connections that only nodes of the cluster can use.
type Listener struct {
	net.Listener

	identity *Identity
	log      *zap.Logger
}

// NewListener has what comes in at inner prove that it is a node.
func NewListener(inner net.Listener, identity *Identity, log *zap.Logger) *Listener {
	return &Listener{inner, identity, log}
}

// Accept waits for a connection. It is a [*Conn], on which nothing is proven yet.
func (l *Listener) Accept() (net.Conn, error) {
	inner, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &Conn{tls.Server(inner, l.identity.server), l}, nil
}

// Conn is a connection from another node.
type Conn struct {
	*tls.Conn

	from *Listener
}

// Handshake proves who both sides are; HTTP servers call it before they read. Why
// somebody was turned away is logged.
func (c *Conn) Handshake() error {
	err := c.Conn.HandshakeContext(context.Background()) // the server has set deadlines
	if err == nil || errors.Is(err, io.EOF) {            // who only looks whether the port is open
		return err
	}
	refused := c.from.log.With(zap.String("address", c.RemoteAddr().String()), zap.Error(err))
	plain, isPlain := errors.AsType[tls.RecordHeaderError](err)
	remote, isRemote := errors.AsType[*net.OpError](err)
	switch {
	case isPlain && plain.Conn != nil:
		refused.Warn("somebody without TLS came to the port of nodes")
		_, _ = io.WriteString(plain.Conn, "HTTP/1.0 400 Bad Request\r\nConnection: close\r\n\r\nThis port is for the nodes of the cluster, over TLS.\n")
	case isRemote && remote.Op == "remote error":
		refused.Warn("a node did not know this one: " + c.from.identity.doubt)
	default:
		refused.Warn("somebody who is not known came to the port of nodes: " + c.from.identity.doubt)
	}
	return err
}

// Known tells whether the other end has proven to be a node.
func (c *Conn) Known() bool {
	state := c.ConnectionState()
	return state.HandshakeComplete && len(state.VerifiedChains) > 0
}
