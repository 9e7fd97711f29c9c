package actors

import (
	"fmt"
	"strings"

	"go.mau.fi/libsignal/logger"
	waBinary "go.mau.fi/whatsmeow/binary"
	waLog "go.mau.fi/whatsmeow/util/log"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// clientLog hands whatsmeow's log to ours. The level is checked before anything
// is formatted, since whatsmeow formats every stanza for its debug log.
type clientLog struct {
	log *zap.SugaredLogger
	// ended tells whether the connection was given up: what whatsmeow complains of
	// then is only that.
	ended func() bool
	// backlog gets what is logged of the wire; nil if nobody counts it.
	backlog *backlog
}

// newClientLog makes the logger of one account's client. Debug lines of the wire
// are dropped at any level: they hold message bodies and keys.
func newClientLog(log *zap.Logger, ended func() bool) waLog.Logger {
	return newLinkLog(log, ended, nil)
}

// newLinkLog is newClientLog for a client with a connection, whose backlog is
// counted.
func newLinkLog(log *zap.Logger, ended func() bool, backlog *backlog) waLog.Logger {
	return &clientLog{log.WithOptions(zap.AddCallerSkip(1)).Sugar(), ended, backlog}
}

func (l *clientLog) Errorf(format string, args ...any) { l.write(zapcore.ErrorLevel, format, args) }
func (l *clientLog) Warnf(format string, args ...any)  { l.write(zapcore.WarnLevel, format, args) }

// Infof and Debugf both go to debug: what the client finds worth telling is
// routine for a gateway.
func (l *clientLog) Infof(format string, args ...any)  { l.write(zapcore.DebugLevel, format, args) }
func (l *clientLog) Debugf(format string, args ...any) { l.write(zapcore.DebugLevel, format, args) }

// Sub names a part of the client.
func (l *clientLog) Sub(module string) waLog.Logger {
	wire := module == "Send" || module == "Recv"
	switch {
	case wire && l.backlog == nil:
		return waLog.Noop
	case module == "Recv":
		return l.backlog.incoming()
	case module == "Send":
		return l.backlog.outgoing()
	default:
		return &clientLog{l.log.Named(module), l.ended, l.backlog}
	}
}

func (l *clientLog) write(level zapcore.Level, format string, args []any) {
	if l.ended() {
		level = zapcore.DebugLevel
	}
	if !l.log.Level().Enabled(level) {
		return
	}
	l.log.Logf(level, format, harmless(format, args)...)
}

// harmless takes out of a line what whatsmeow would show of stanzas, which hold
// messages, keys and codes, and of names. Numbers are masked where the log is written.
func harmless(format string, args []any) []any {
	shown := make([]any, len(args))
	for i, arg := range args {
		shown[i] = arg
		switch value := arg.(type) {
		case *waBinary.Node:
			shown[i] = outline(value)
		case waBinary.Node:
			shown[i] = outline(&value)
		case []byte:
			shown[i] = fmt.Sprintf("(%d bytes)", len(value))
		case string:
			if strings.Contains(format, " name ") || strings.HasPrefix(format, "Errored frame") {
				shown[i] = "…"
			}
		}
	}
	return shown
}

// telling are the attributes of a stanza that say what it is, and not whose.
var telling = []string{"type", "code", "reason", "class", "category"}

// outline shows a stanza without what is in it.
func outline(node *waBinary.Node) string {
	if node == nil {
		return "<>"
	}
	var text strings.Builder
	text.WriteString("<" + node.Tag)
	for _, name := range telling {
		if value, ok := node.Attrs[name]; ok {
			fmt.Fprintf(&text, " %s=%q", name, fmt.Sprint(value))
		}
	}
	return text.String() + ">"
}

// libsignal's logger prints to standard output and looks up its caller for each
// debug line. It is a process global that is read without a lock, so it is
// replaced before any goroutine runs.
func init() { logger.Logger = silence{} } //nolint:gochecknoinits // see above

type silence struct{}

func (silence) Debug(string, string)   {}
func (silence) Info(string, string)    {}
func (silence) Warning(string, string) {}
func (silence) Error(string, string)   {}
func (silence) Configure(string)       {}
