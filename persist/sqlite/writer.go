package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"golang.org/x/sync/semaphore"
)

// writer is the one connection that writes.
type writer struct {
	pool *sql.DB
	*session

	turn *semaphore.Weighted // to use the connection
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
	w := &writer{pool: pool, session: newSession(conn), turn: semaphore.NewWeighted(1)}
	if err := checkSettings(ctx, conn); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// transact runs work in a transaction and commits it; if work fails nothing
// is written. The context counts until the transaction begins.
func (w *writer) transact(ctx context.Context, work func(transaction) error) error {
	if err := w.turn.Acquire(ctx, 1); err != nil {
		return err
	}
	defer w.turn.Release(1)
	return w.use(func(on connection) error { return transaction{on, &indexed{}, numbers{}}.run(work) })
}

func (w *writer) close() error { return errors.Join(w.session.close(), w.pool.Close()) }

// transaction is what runs on the writing connection.
type transaction struct {
	connection
	*indexed
	numbers
}

func (tx transaction) run(work func(transaction) error) error {
	if _, err := tx.exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	err := work(tx)
	if err == nil {
		err = tx.index()
	}
	if err != nil {
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
	result, err := statement.(driver.StmtExecContext).ExecContext(context.Background(), tx.session.named(values))
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// integer returns the single integer that the query selects, 0 if there is no row.
func (tx transaction) integer(query string, values ...any) (int64, error) {
	rows, err := tx.query(query, 1, values)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	return rows[0][0].(int64), nil
}
