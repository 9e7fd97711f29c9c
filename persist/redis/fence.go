package redis

import (
	"context"
	"errors"
	"strconv"

	driver "github.com/redis/go-redis/v9"

	"whatsapp-web-server/persist"
)

// Acquire implements [persist.Engine].
func (db *DB) Acquire(ctx context.Context, account string, floor uint64) (uint64, error) {
	ctx, leave, err := db.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer leave()
	key := generationKey(db.scopeKey(persist.AccountScope(account)))
	taken, err := db.runOne(ctx, &call{acquireScript, []string{key}, []any{strconv.FormatUint(floor, 10)}}).Uint64()
	if err != nil {
		return 0, db.failed(ctx, "acquire account "+account, err)
	}
	return taken, nil
}

// DeleteScope implements [persist.Engine], all at once.
func (db *DB) DeleteScope(ctx context.Context, scope persist.Scope, generation uint64) error {
	ctx, leave, err := db.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	scopeKey := db.scopeKey(scope)
	keys := []string{generationKey(scopeKey)}
	for _, table := range persist.Tables() {
		if table.Level == scope.Level() {
			keys = append(keys, rowsKey(scopeKey, table), ordersKey(scopeKey, table))
		}
	}
	if len(keys) == 1 {
		return nil
	}
	writer := ""
	if scope.IsAccount() {
		writer = strconv.FormatUint(generation, 10)
	}
	stored, err := db.runOne(ctx, &call{deleteScript, keys, []any{writer}}).Text()
	switch {
	case errors.Is(err, driver.Nil):
		return nil
	case err != nil:
		return db.failed(ctx, "delete "+scope.String(), err)
	}
	return persist.Batch{Scope: scope, Generation: generation}.CheckFence(parseGeneration(stored))
}

// parseGeneration reads a generation as it is stored. Nothing else is stored there.
func parseGeneration(text string) uint64 {
	number, _ := strconv.ParseUint(text, 10, 64)
	return number
}
