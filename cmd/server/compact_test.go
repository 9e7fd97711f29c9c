package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

func TestAnAccountGoesOnTalkingOutOfACompactedFile(t *testing.T) {
	world := simulatortest.Start(t)
	mine, err := world.AddPhone(account, "Desk")
	require.NoError(t, err)
	theirs, err := world.AddPhone(friend, "Friend")
	require.NoError(t, err)
	storage := []string{"STORAGE_TYPE=file", "FILE_STORAGE_PATH=" + t.TempDir()}
	network := append(world.Env(), storage...)

	base, stop := boot(t, "unused", network...)
	link(t, base, mine)
	say(t, base, "before")
	require.Equal(t, "before", received(t, theirs, 0).Text)
	output, status := runCommand(t, storage, "compact")
	require.NotZero(t, status)
	require.Contains(t, output, "is in use by another process")
	stop()

	output, status = runCommand(t, storage, "compact")
	require.Zero(t, status, output)
	base, stop = boot(t, "unused", network...)
	defer stop()
	await(t, base, "ready")
	say(t, base, "after")
	require.Equal(t, "after", received(t, theirs, 1).Text)
	_, err = theirs.SendText(t.Context(), account, "an answer")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		page := call(t, http.MethodGet, base+"/api/messages/"+account+"/"+friend, "")
		return len(page["messages"].([]any)) == 3
	}, 20*time.Second, 20*time.Millisecond)
}

func say(t *testing.T, base, text string) {
	t.Helper()
	call(t, http.MethodPost, base+"/api/messages/send", `{"accountNumber":"`+account+`","chatId":"`+friend+`","message":{"text":"`+text+`"}}`)
}
