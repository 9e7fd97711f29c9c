package sqlite

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"whatsapp-web-server/persist"
)

// walked is how many texts a search looks at in the order of the index, before it
// asks which texts have the words: of common words the first page is among them,
// and all that have them would be many to put in order.
const walked = 500

// scan answers a query.
func (r *reader) scan(ctx context.Context, q persist.Query) ([]persist.Row, error) {
	columns := len(q.Table.Columns)
	if len(q.Match) == 0 {
		return r.query(ctx, columns, r.scanText(q), scanValues(q))
	}
	shape := shapeOf(q)
	shape.way = walking
	rows, err := r.query(ctx, columns, r.text(shape), scanValues(q))
	if err != nil || len(rows) == q.Limit {
		return rows, err
	}
	return r.find(ctx, q)
}

// find asks the index of words, and puts in order what it finds.
func (r *reader) find(ctx context.Context, q persist.Query) ([]persist.Row, error) {
	match := expression(q)
	q.Match = nil
	shape := shapeOf(q)
	shape.way = finding
	return r.query(ctx, len(q.Table.Columns), r.text(shape), append([]any{match}, scanValues(q)...))
}

// expression asks the index of words for all that a query matches.
func expression(q persist.Query) string {
	account := hex.EncodeToString([]byte(q.Scope.Owner()))
	terms := make([]string, len(q.Match))
	for i, term := range q.Match {
		terms[i] = fmt.Sprintf(`"%s§%s"*`, account, term)
	}
	return strings.Join(terms, " AND ")
}

// indexed is up to which number texts were in the index of words when the
// transaction first wrote one. Those beyond it come in together at its end.
type indexed struct {
	known bool
	last  int64
}

const (
	indexedWords = "replace(words, ' ', ' ' || hex(account) || '§')"
	indexNew     = "INSERT INTO message_words (rowid, words) SELECT doc, " + indexedWords + " FROM message_content WHERE doc > ? ORDER BY doc"
	indexOne     = "INSERT INTO message_words (rowid, words) SELECT doc, " + indexedWords + " FROM message_content WHERE doc = ?"
	unindexOne   = "INSERT INTO message_words (message_words, rowid, words) SELECT 'delete', doc, " + indexedWords + " FROM message_content WHERE doc = ?"
	unindexSome  = "INSERT INTO message_words (message_words, rowid, words) SELECT 'delete', doc, " + indexedWords + " FROM message_content WHERE %s"
)

// mutateText writes or removes a text together with its words.
func (tx transaction) mutateText(scope persist.Scope, m persist.Mutation) error {
	if err := tx.beginIndexing(); err != nil {
		return err
	}
	text := texts[m.Table]
	if !m.Delete {
		if added, err := tx.insert(text.add, scope, m); err != nil || added > 0 {
			return err
		}
	}
	doc, err := tx.integer(text.number, append(owner(scope), m.Key()...)...)
	if err != nil || doc == 0 {
		return err // nil: there is nothing to remove
	}
	old := doc <= tx.indexed.last
	if old {
		if _, err := tx.exec(unindexOne, doc); err != nil {
			return err
		}
	}
	if m.Delete {
		if _, err := tx.exec(text.remove, append(owner(scope), m.Key()...)...); err != nil {
			return err
		}
		return tx.freed(doc)
	}
	if _, err := tx.insert(text.put, scope, m); err != nil || !old {
		return err
	}
	_, err = tx.exec(indexOne, doc)
	return err
}

func (tx transaction) beginIndexing() (err error) {
	if !tx.indexed.known {
		tx.indexed.known = true
		tx.indexed.last, err = tx.integer("SELECT coalesce(max(doc), 0) FROM message_content")
	}
	return err
}

// freed follows the removal of a text. SQLite gives the number of the last one anew,
// and what gets it in the same transaction is not in the index of words.
func (tx transaction) freed(doc int64) (err error) {
	if doc == tx.indexed.last {
		tx.indexed.last, err = tx.integer("SELECT coalesce(max(doc), 0) FROM message_content WHERE doc < ?", doc)
	}
	return err
}

// index brings the new texts into the index of words.
func (tx transaction) index() error {
	if !tx.indexed.known {
		return nil
	}
	_, err := tx.exec(indexNew, tx.indexed.last)
	return err
}
