package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
)

// written has the friend write something, and returns the message as it is read
// back once a condition holds.
func (c *dialogue) written(d simulator.Draft, holds func(map[string]any) bool) (message map[string]any) {
	c.t.Helper()
	d.To = account
	id, err := c.ann.SendDraft(c.t.Context(), d)
	require.NoError(c.t, err)
	c.eventually(func() bool {
		data, ok := try(c.t, "GET", c.base+messages+"/"+id, "")
		message = data
		return ok && holds(data)
	})
	return message
}

func TestAStatusIsReadBackAndIsInNoChat(t *testing.T) {
	c := correspond(t)
	there := func(map[string]any) bool { return true }
	c.written(simulator.Draft{DraftContent: simulator.DraftContent{Text: "hello"}}, there)
	_, err := c.ann.PostStatus(t.Context(), "on holiday", account)
	require.NoError(t, err)
	c.eventually(func() bool { return len(c.list("/api/status/"+account, "messages")) == 1 })
	require.Equal(t, "on holiday", c.list("/api/status/"+account, "messages")[0]["body"])
	require.Len(t, c.list(conversations, "conversations"), 1, "a status is in no chat")
}
