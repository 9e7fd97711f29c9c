package bolt

import (
	"context"
	"fmt"
	"time"
)

// Health implements [persist.Engine] by a commit of one small value, and by trying
// again what failed beside the calls or left the log broken.
func (db *DB) Health(ctx context.Context) error {
	if err := db.enter(); err != nil {
		return fmt.Errorf("file: %w", err)
	}
	defer db.leave()
	if err := db.ahead.Retry(ctx); err != nil {
		return fmt.Errorf("file: %w", err)
	}
	err := db.commit(ctx, func(tx transaction) error {
		return tx.Bucket(metaBucket).Put(checkedKey, []byte(time.Now().UTC().Format(time.RFC3339)))
	})
	if err != nil {
		return fmt.Errorf("file: %w", err)
	}
	return nil
}
