package redis

import (
	"context"

	driver "github.com/redis/go-redis/v9"
)

// WithoutScripts makes a transaction of every Apply that can be one, however small.
func (db *DB) WithoutScripts() *DB {
	db.few = -1
	return db
}

// AfterLook calls f once, when the next transaction has looked at what is stored and
// not yet written.
func (db *DB) AfterLook(f func()) { db.client.AddHook(&afterLook{call: f}) }

type afterLook struct{ call func() }

func (h *afterLook) DialHook(next driver.DialHook) driver.DialHook { return next }

func (h *afterLook) ProcessHook(next driver.ProcessHook) driver.ProcessHook { return next }

func (h *afterLook) ProcessPipelineHook(next driver.ProcessPipelineHook) driver.ProcessPipelineHook {
	return func(ctx context.Context, commands []driver.Cmder) error {
		err := next(ctx, commands)
		if call := h.call; call != nil && commands[0].Name() == "watch" {
			h.call = nil
			call()
		}
		return err
	}
}
