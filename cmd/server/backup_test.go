package main

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// household is an account and a friend who talk, wherever the account's server is.
type household struct {
	t          *testing.T
	world      *simulator.Simulator
	own, other *simulator.Phone
	got        int // messages that the friend has
	base       string
}

func newHousehold(t *testing.T) *household {
	t.Helper()
	h := &household{t: t, world: simulatortest.Start(t)}
	var err error
	h.own, err = h.world.AddPhone(account, "Desk")
	require.NoError(t, err)
	h.other, err = h.world.AddPhone(friend, "Ann")
	require.NoError(t, err)
	return h
}

// serve boots a server for the account until the returned function is called.
func (h *household) serve(environment ...string) (stop func()) {
	h.t.Helper()
	h.base, stop = boot(h.t, filepath.Join(h.t.TempDir(), "unused.db"), append(h.world.Env(), environment...)...)
	return stop
}

// talk has each write to the other.
func (h *household) talk(text string) {
	h.t.Helper()
	await(h.t, h.base, "ready")
	sent := call(h.t, http.MethodPost, h.base+"/api/messages/send",
		`{"accountNumber":"`+account+`","chatId":"`+friend+`@c.us","message":{"text":"`+text+` out"}}`)
	require.Equal(h.t, "sent", sent["status"])
	require.Equal(h.t, text+" out", received(h.t, h.other, h.got).Text)
	h.got++
	_, err := h.other.SendText(h.t.Context(), account, text+" in")
	require.NoError(h.t, err)
	require.Eventually(h.t, func() bool { return h.knows(text + " in") }, 20*time.Second, 20*time.Millisecond, "%s in", text)
}

// knows tells whether the conversation, as the server has it, has a text.
func (h *household) knows(text string) bool {
	page, ok := try(h.t, http.MethodGet, h.base+"/api/messages/"+account+"/"+friend+"?limit=200", "")
	if !ok {
		return false
	}
	for _, message := range page["messages"].([]any) {
		if message.(map[string]any)["body"] == text {
			return true
		}
	}
	return false
}

func (h *household) requireNoCounterUsedTwice() {
	h.t.Helper()
	require.Zero(h.t, h.world.Stats().ReusedCounters)
}

// folder is the environment of an embedded storage in dir.
func folder(storage, dir string) []string {
	return []string{
		"STORAGE_TYPE=" + storage, "SQLITE_DB_PATH=" + filepath.Join(dir, "whatsapp.db"), "FILE_STORAGE_PATH=" + dir,
		"ENCRYPTION_KEY=" + oneKey,
	}
}

func TestAfterABackupIsPutBackNoKeyIsUsedTwiceAndMessagesFlowBothWays(t *testing.T) {
	for _, storage := range []string{"sqlite", "file"} {
		t.Run(storage, func(t *testing.T) {
			h := newHousehold(t)
			environment := folder(storage, t.TempDir())
			stop := h.serve(environment...)
			link(t, h.base, h.own)
			h.talk("before")
			file := filepath.Join(t.TempDir(), "backup")
			at, err := url.Parse(h.base)
			require.NoError(t, err)
			output, status := runCommand(t, append(environment, "PORT="+at.Port()), "backup", file)
			require.Zero(t, status, output)
			h.talk("since")
			h.talk("since then")
			stop()

			target := folder(storage, t.TempDir())
			output, status = runCommand(t, target, "restore", file)
			require.Zero(t, status, output)
			require.Contains(t, output, "1 accounts are back")
			stop = h.serve(target...)
			defer stop()
			await(t, h.base, "ready")
			require.True(t, h.knows("before in"))
			require.False(t, h.knows("since in"), "what came after the backup is not in it")
			h.talk("after")
			h.talk("long after")
			h.requireNoCounterUsedTwice()

			output, status = runCommand(t, append(target, "PORT=1"), "restore", file)
			require.NotZero(t, status, output)
		})
	}
}

func TestWhatWasWaitingToBeSentEndsAsFailedWhenABackupIsPutBack(t *testing.T) {
	h := newHousehold(t)
	environment := folder("sqlite", t.TempDir())
	stop := h.serve(environment...)
	link(t, h.base, h.own)
	call(t, http.MethodDelete, h.base+"/api/clients/"+account+"/disconnect", "")
	waiting := call(t, http.MethodPost, h.base+"/api/messages/send?wait=0",
		`{"accountNumber":"`+account+`","chatId":"`+friend+`@c.us","message":{"text":"waiting"}}`)
	require.Equal(t, "queued", waiting["status"])
	stop()
	file := filepath.Join(t.TempDir(), "backup")
	output, status := runCommand(t, append(environment, "PORT=1"), "backup", file)
	require.Zero(t, status, output)

	target := folder("sqlite", t.TempDir())
	output, status = runCommand(t, target, "restore", file)
	require.Zero(t, status, output)
	stop = h.serve(target...)
	defer stop()
	require.Eventually(t, func() bool {
		page, ok := try(t, http.MethodGet, h.base+"/api/messages/"+account+"/"+friend, "")
		return ok && page["messages"].([]any)[0].(map[string]any)["status"] == "failed"
	}, 20*time.Second, 20*time.Millisecond)
	initialize(t, h.base)
	h.talk("after")
	require.Len(t, h.other.Messages(0), 1, "it was not sent")
}

func TestABackupOfAStoppedServerIsMadeFromItsFiles(t *testing.T) {
	environment := append(folder("sqlite", t.TempDir()), "PORT=1")
	output, status := runCommand(t, environment, "init")
	require.Zero(t, status, output)
	file := filepath.Join(t.TempDir(), "backup")
	output, status = runCommand(t, environment, "backup", file)
	require.Zero(t, status, output)
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode())

	output, status = runCommand(t, environment, "backup", file)
	require.Equal(t, exitMisconfigured, status)
	require.Contains(t, output, "exists already")

	target := folder("sqlite", t.TempDir())
	require.NoError(t, os.Truncate(file, info.Size()-1))
	output, status = runCommand(t, target, "restore", file)
	require.Equal(t, exitMisconfigured, status)
	require.Contains(t, output, "damaged or incomplete")
}

func TestABackupIsReadWithItsKeyAlone(t *testing.T) {
	h := newHousehold(t)
	environment := folder("sqlite", t.TempDir())
	stop := h.serve(environment...)
	link(t, h.base, h.own)
	stop()
	file := filepath.Join(t.TempDir(), "backup")
	output, status := runCommand(t, append(environment, "PORT=1"), "backup", file)
	require.Zero(t, status, output)

	target := append(folder("sqlite", t.TempDir()), "ENCRYPTION_KEY="+anotherKey)
	output, status = runCommand(t, target, "restore", file)
	require.Equal(t, exitMisconfigured, status, output)
	require.Contains(t, output, "another key than ENCRYPTION_KEY")
	output, status = runCommand(t, append(target, "ENCRYPTION_KEY_OLD="+oneKey), "restore", file)
	require.Zero(t, status, output)
}

func TestARekeyedServerGoesOnTalking(t *testing.T) {
	h := newHousehold(t)
	environment := folder("sqlite", t.TempDir())
	stop := h.serve(environment...)
	link(t, h.base, h.own)
	h.talk("old key")
	stop()
	for _, flags := range [][]string{{"rekey"}, {"rekey", "--quick"}} {
		renewed := slices.Concat(environment, []string{"ENCRYPTION_KEY=" + anotherKey, "ENCRYPTION_KEY_OLD=" + oneKey})
		output, status := runCommand(t, renewed, flags...)
		require.Zero(t, status, output)
		output, status = runCommand(t, environment, "init")
		require.Equal(t, exitMisconfigured, status, output)
		stop = h.serve(renewed...)
		h.talk(strings.Join(flags, " "))
		stop()
		file := filepath.Join(t.TempDir(), "key")
		require.NoError(t, os.WriteFile(file, []byte(oneKey), 0o600))
		output, status = runCommand(t, renewed[:len(renewed)-1], append(flags, "--new-key-file", file)...)
		require.Zero(t, status, output)
	}
	stop = h.serve(environment...)
	h.talk("old key again")
	stop()
	h.requireNoCounterUsedTwice()
}
