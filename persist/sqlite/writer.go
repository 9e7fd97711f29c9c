package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
)

// writer is the one connection that writes. It speaks to the driver's
// connection directly and prepares each statement once: database/sql would
// cost as much again as a small statement.
type writer struct {
	pool *sql.DB
	conn *sql.Conn
	// turn holds one token: the right to use the connection.
	turn       chan struct{}
	statements map[string]driver.Stmt
}

func newWriter(ctx context.Context, path string) (*writer, error) {
	pool, err := openPool(writerDSN(path), 1)
	if err != nil {
		return nil, err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	w := &writer{pool: pool, conn: conn, turn: make(chan struct{}, 1), statements: map[string]driver.Stmt{}}
	if err := checkSettings(ctx, conn); err != nil {
		return nil, errors.Join(err, w.close())
	}
	w.turn <- struct{}{}
	return w, nil
}

// transact runs work in a transaction and commits it; if work fails nothing
// is written. The context counts until the transaction begins.
func (w *writer) transact(ctx context.Context, work func(transaction) error) error {
	select {
	case <-w.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { w.turn <- struct{}{} }()
	if err := ctx.Err(); err != nil {
		return err
	}
	return w.conn.Raw(func(connection any) error {
		tx := transaction{connection: connection.(driver.ConnPrepareContext), statements: w.statements}
		return tx.run(work)
	})
}

func (w *writer) close() error {
	var errs []error
	for _, statement := range w.statements {
		errs = append(errs, statement.Close())
	}
	return errors.Join(append(errs, w.conn.Close(), w.pool.Close())...)
}

// transaction is what runs on the writing connection.
type transaction struct {
	connection driver.ConnPrepareContext
	statements map[string]driver.Stmt
}

func (tx transaction) run(work func(transaction) error) error {
	if _, err := tx.exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := work(tx); err != nil {
		return errors.Join(err, tx.rollback())
	}
	if _, err := tx.exec("COMMIT"); err != nil {
		return errors.Join(fmt.Errorf("commit: %w", err), tx.rollback())
	}
	return nil
}

// rollback leaves no transaction open. SQLite has already rolled back by itself
// after some failures, such as a full disk; then there is nothing to do.
func (tx transaction) rollback() error {
	_, err := tx.exec("ROLLBACK")
	if code(err) == codeError {
		return nil
	}
	return err
}

// exec returns how many rows it changed.
func (tx transaction) exec(query string, values ...any) (int64, error) {
	statement, err := tx.prepare(query)
	if err != nil {
		return 0, err
	}
	result, err := statement.(driver.StmtExecContext).ExecContext(context.Background(), named(values))
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// integer returns the single integer that the query selects, 0 if there is no row.
func (tx transaction) integer(query string, values ...any) (int64, error) {
	statement, err := tx.prepare(query)
	if err != nil {
		return 0, err
	}
	rows, err := statement.(driver.StmtQueryContext).QueryContext(context.Background(), named(values))
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var row [1]driver.Value
	switch err := rows.Next(row[:]); err {
	case nil:
		return row[0].(int64), nil
	case io.EOF:
		return 0, nil
	default:
		return 0, err
	}
}

func (tx transaction) prepare(query string) (driver.Stmt, error) {
	if statement, ok := tx.statements[query]; ok {
		return statement, nil
	}
	statement, err := tx.connection.PrepareContext(context.Background(), query)
	if err == nil {
		tx.statements[query] = statement
	}
	return statement, err
}

// named numbers the values. A nil blob is an empty one, not NULL.
func named(values []any) []driver.NamedValue {
	arguments := make([]driver.NamedValue, len(values))
	for i, value := range values {
		if blob, ok := value.([]byte); ok && blob == nil {
			value = []byte{}
		}
		arguments[i] = driver.NamedValue{Ordinal: i + 1, Value: value}
	}
	return arguments
}
