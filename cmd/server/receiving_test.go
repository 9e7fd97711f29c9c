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

func TestWhatIsBeyondTextIsReadBack(t *testing.T) {
	c := correspond(t)
	there := func(map[string]any) bool { return true }
	place := c.written(simulator.Draft{DraftContent: simulator.DraftContent{Location: &simulator.Location{Latitude: 52.5, Longitude: 4.5, Name: "Dam"}}}, there)
	require.Equal(t, map[string]any{"latitude": 52.5, "longitude": 4.5, "name": "Dam"}, place["location"])

	poll := c.written(simulator.Draft{DraftContent: simulator.DraftContent{Poll: &simulator.Poll{Question: "Lunch?", Options: []string{"yes", "no"}}}}, there)
	require.Equal(t, []any{"yes", "no"}, poll["poll"].(map[string]any)["options"])
	_, err := c.ann.SendDraft(t.Context(), simulator.Draft{
		To: account, DraftContent: simulator.DraftContent{Vote: &simulator.DraftVote{ID: poll["id"].(string), Options: []string{"no"}}},
	})
	require.NoError(t, err)
	c.eventually(func() bool { return c.get(messages + "/" + poll["id"].(string))["votes"] != nil })
	vote := c.get(messages + "/" + poll["id"].(string))["votes"].([]any)[0].(map[string]any)
	require.Equal(t, []any{"no"}, vote["options"])
	require.Equal(t, friend+"@c.us", vote["from"])

	_, err = c.ann.PostStatus(t.Context(), "on holiday", account)
	require.NoError(t, err)
	c.eventually(func() bool { return len(c.list("/api/status/"+account, "messages")) == 1 })
	require.Equal(t, "on holiday", c.list("/api/status/"+account, "messages")[0]["body"])
	require.Len(t, c.list(conversations, "conversations"), 1, "a status is in no chat")
}
