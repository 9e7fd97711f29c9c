package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"

	"whatsapp-web-server/persist"
)

// session is a connection and the statements it has prepared, each once. It
// speaks to the driver's connection directly: database/sql would cost as much
// again as a small statement. It is for one goroutine at a time.
type session struct {
	conn       *sql.Conn
	statements map[string]driver.Stmt
	arguments  []driver.NamedValue // of the last statement; used again for the next
}

func newSession(conn *sql.Conn) *session {
	return &session{conn: conn, statements: map[string]driver.Stmt{}}
}

// use lends the connection to fn.
func (s *session) use(fn func(connection) error) error {
	return s.conn.Raw(func(raw any) error {
		return fn(connection{raw.(driver.ConnPrepareContext), s})
	})
}

func (s *session) close() error {
	var errs []error
	for _, statement := range s.statements {
		errs = append(errs, statement.Close())
	}
	return errors.Join(append(errs, s.conn.Close())...)
}

// connection is a session in use.
type connection struct {
	raw     driver.ConnPrepareContext
	session *session
}

// query returns what a statement selects, rows of this many columns.
func (c connection) query(text string, columns int, values []any) (found []persist.Row, err error) {
	statement, err := c.prepare(text)
	if err != nil {
		return nil, err
	}
	rows, err := statement.(driver.StmtQueryContext).QueryContext(context.Background(), c.session.named(values))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for next := make([]driver.Value, columns); ; {
		switch err := rows.Next(next); {
		case errors.Is(err, io.EOF):
			return found, nil
		case err != nil:
			return nil, err
		}
		found = append(found, rowOf(next))
	}
}

// rowOf copies what the driver will overwrite. A nil blob is an empty one.
func rowOf(values []driver.Value) persist.Row {
	row := make(persist.Row, len(values))
	for i, value := range values {
		if blob, ok := value.([]byte); ok && blob == nil {
			value = []byte{}
		}
		row[i] = value
	}
	return row
}

func (c connection) prepare(text string) (driver.Stmt, error) {
	if statement, ok := c.session.statements[text]; ok {
		return statement, nil
	}
	statement, err := c.raw.PrepareContext(context.Background(), text)
	if err == nil {
		c.session.statements[text] = statement
	}
	return statement, err
}

// named numbers the values. A nil blob is an empty one, not NULL.
func (s *session) named(values []any) []driver.NamedValue {
	s.arguments = s.arguments[:0]
	for i, value := range values {
		if blob, ok := value.([]byte); ok && blob == nil {
			value = []byte{}
		}
		s.arguments = append(s.arguments, driver.NamedValue{Ordinal: i + 1, Value: value})
	}
	return s.arguments
}
