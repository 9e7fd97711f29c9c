package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
)

func TestLabelsGoBothWaysBetweenCallersAndThePhone(t *testing.T) {
	c := correspond(t)
	require.NoError(t, c.own.EditLabel(t.Context(), "1", "New order", 2, false))
	c.eventually(func() bool { return len(c.list("/api/labels/"+account, "labels")) == 1 })
	message := c.written(simulator.Draft{DraftContent: simulator.DraftContent{Text: "hello"}}, func(map[string]any) bool { return true })
	id, chat := message["id"].(string), "/chats/"+friend+"@c.us"

	paid := call(t, http.MethodPost, c.base+"/api/labels/"+account, `{"name":"Paid","color":3}`)
	require.Equal(t, map[string]any{"id": "2", "name": "Paid", "color": 3.}, paid)
	call(t, http.MethodPut, c.base+"/api/labels/"+account+"/2"+chat, "")
	call(t, http.MethodPut, c.base+"/api/labels/"+account+"/2"+chat+"/messages/"+id, "")
	require.Equal(t, []any{paid}, c.list(conversations, "conversations")[0]["labels"])
	require.Equal(t, []any{paid}, c.get(messages + "/" + id)["labels"])
	items := c.list("/api/labels/"+account+"/2/items", "items")
	require.Len(t, items, 2)
	require.Equal(t, friend+"@c.us", items[0]["chatId"])
	require.Equal(t, "hello", items[1]["message"].(map[string]any)["body"])

	require.NoError(t, c.own.LabelChat(t.Context(), friend, "2", false))
	require.NoError(t, c.own.LabelChat(t.Context(), friend, "1", true))
	c.eventually(func() bool {
		labels, _ := c.list(conversations, "conversations")[0]["labels"].([]any)
		return len(labels) == 1 && labels[0].(map[string]any)["name"] == "New order"
	})
	call(t, http.MethodDelete, c.base+"/api/labels/"+account+"/2", "")
	require.NotContains(t, c.get(messages+"/"+id), "labels")
}
