package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"whatsapp-web-server/persist"
)

// Codes of the server (https://www.postgresql.org/docs/current/errcodes-appendix.html).
const (
	codeFenced          = "WA001" // of our function fence
	codeInvalidPassword = "28P01"
	codeUnknownDatabase = "3D000"
	codeStarting        = "57P03"
)

// Classes of codes: how they begin.
const (
	classData          = "22"
	classIntegrity     = "23"
	classAuthorization = "28"
	classLimit         = "54"  // such as a row too large for an index
	classShutdown      = "57P" // the connection ends with it
)

// code returns the server's code in err, empty if it is not the server's.
func code(err error) string {
	if failed, ok := errors.AsType[*pgconn.PgError](err); ok {
		return failed.Code
	}
	return ""
}

// isRefusal tells an error that is the fault of a batch: it would fail again, and
// others would not. The server has rolled everything back.
func isRefusal(err error) bool {
	c := code(err)
	return errors.Is(err, persist.ErrConflict) || c == codeFenced ||
		strings.HasPrefix(c, classData) || strings.HasPrefix(c, classIntegrity) || strings.HasPrefix(c, classLimit)
}

// verdict is what the writer of a batch is told.
func (db *DB) verdict(batch persist.Batch, err error) error {
	switch {
	case err == nil || errors.Is(err, persist.ErrConflict):
		return err
	case code(err) == codeFenced:
		return fmt.Errorf("%w: %s does not have generation %d", persist.ErrFenced, batch.Scope, batch.Generation)
	case isRefusal(err):
		return fmt.Errorf("%w: %s: %w", persist.ErrPoisoned, batch.Scope, err)
	default:
		return db.failure("apply", err)
	}
}

// failure names what has failed. Where a connection is lost, the others of the
// pools are no better, and are made anew.
func (db *DB) failure(what string, err error) error {
	if err == nil {
		return nil
	}
	if isLost(err) {
		db.others.Reset()
		db.writers.Reset()
	}
	return fmt.Errorf("postgres: %s: %w", what, db.explain(err))
}

func isLost(err error) bool {
	c := code(err)
	return c == "" && !errors.Is(err, context.Canceled) || strings.HasPrefix(c, classShutdown)
}

// unusableError is what the engine cannot work with.
type unusableError struct{ reason string }

func (e *unusableError) Error() string { return e.reason }

// explain makes a sentence of a failure to connect; other errors stay.
func (db *DB) explain(err error) error {
	where := db.address()
	if unusable, ok := errors.AsType[*unusableError](err); ok {
		return fmt.Errorf("PostgreSQL at %s: %w", where, unusable)
	}
	failed, ok := errors.AsType[*pgconn.ConnectError](err)
	if !ok {
		return err
	}
	user, database := failed.Config.User, failed.Config.Database
	switch c := code(err); {
	case c == codeInvalidPassword:
		return fmt.Errorf("PostgreSQL at %s refuses the password of user %q", where, user)
	case strings.HasPrefix(c, classAuthorization):
		return fmt.Errorf("PostgreSQL at %s does not admit user %q to database %q", where, user, database)
	case c == codeUnknownDatabase:
		return fmt.Errorf("PostgreSQL at %s has no database %q", where, database)
	case c == codeStarting:
		return fmt.Errorf("PostgreSQL at %s is starting or stopping", where)
	default:
		return fmt.Errorf("PostgreSQL at %s cannot be reached: %s", where, reason(failed))
	}
}

// reason is the cause alone, without the story of every attempt.
func reason(err *pgconn.ConnectError) string {
	if failed, ok := errors.AsType[*net.OpError](err); ok {
		return failed.Err.Error()
	}
	if failed, ok := errors.AsType[*pgconn.PgError](err); ok {
		return failed.Message
	}
	line, _, _ := strings.Cut(err.Unwrap().Error(), "\n")
	return line
}

func (db *DB) address() string {
	config := db.others.Config().ConnConfig
	return net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port)))
}
