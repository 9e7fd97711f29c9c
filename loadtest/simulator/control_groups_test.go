package simulator_test

import (
	"encoding/base64"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

func TestTheControlAPIRunsAGroup(t *testing.T) {
	sim := simulatortest.Start(t)
	for _, number := range []string{alice, bob, carol, dave} {
		addPhone(t, sim, number)
	}
	made := call[struct{ JID string }](t, sim, "POST", "/groups",
		`{"subject":"Readers","owner":"`+alice+`","members":["`+bob+`","`+carol+`"]}`, http.StatusCreated)
	at := "/groups/" + made.JID
	change := func(path, body string, status int) simulator.GroupInfo {
		return call[simulator.GroupInfo](t, sim, "POST", at+path, body, status)
	}
	change("/remove", `{"members":["`+carol+`"]}`, http.StatusOK)
	change("/promote", `{"members":["`+bob+`"]}`, http.StatusOK)
	change("/subject", `{"subject":"Writers","by":"`+bob+`"}`, http.StatusOK)
	change("/description", `{"description":"of letters"}`, http.StatusOK)
	require.NotEmpty(t, change("/picture", `{"jpeg":"`+base64.StdEncoding.EncodeToString(photo(t, 8, 8))+`"}`, http.StatusOK).Picture)
	require.Empty(t, change("/picture", `{"by":"`+alice+`"}`, http.StatusOK).Picture)
	change("/picture", `{"jpeg":"aGVsbG8="}`, http.StatusBadRequest)
	before := change("/settings", `{"settings":{"announce":true,"joinApproval":true,"ephemeral":86400}}`, http.StatusOK)
	require.NotEqual(t, before.Invite, change("/invite", `{}`, http.StatusOK).Invite)
	require.Len(t, change("/join", `{"by":"`+dave+`"}`, http.StatusOK).Requests, 1)
	change("/approve", `{"members":["`+dave+`"]}`, http.StatusOK)
	change("/leave", `{"by":"`+alice+`"}`, http.StatusOK)

	info := call[simulator.GroupInfo](t, sim, "GET", at, "", http.StatusOK)
	require.Equal(t, "Writers", info.Subject)
	require.Equal(t, "of letters", info.Description)
	require.Equal(t, alice, info.Owner)
	require.Equal(t, simulator.GroupSettings{Announce: true, JoinApproval: true, Ephemeral: 86400}, info.Settings)
	require.Equal(t, []string{bob, dave}, []string{info.Members[0].Number, info.Members[1].Number})
	require.True(t, info.Members[0].Admin)

	call[any](t, sim, "POST", "/phones/"+bob+"/messages", `{"to":"`+made.JID+`","text":"hello writers"}`, http.StatusCreated)
	got := call[[]simulator.ReceivedMessage](t, sim, "GET", "/phones/"+dave+"/messages?wait=10s", "", http.StatusOK)
	require.Equal(t, "hello writers", got[0].Text)
	require.Equal(t, made.JID, got[0].Chat)
	call[any](t, sim, "POST", "/phones/"+bob+"/status", `{"text":"out to lunch","readers":["`+carol+`"]}`, http.StatusCreated)
	got = call[[]simulator.ReceivedMessage](t, sim, "GET", "/phones/"+carol+"/messages?wait=10s", "", http.StatusOK)
	require.Equal(t, "out to lunch", got[0].Text)
	require.Equal(t, "status@broadcast", got[0].Chat)
}

func TestTheControlAPIRefusesWhatAGroupCannotBe(t *testing.T) {
	sim := simulatortest.Start(t)
	for _, number := range []string{alice, bob, carol} {
		addPhone(t, sim, number)
	}
	made := call[struct{ JID string }](t, sim, "POST", "/groups", `{"subject":"Readers","owner":"`+alice+`","members":["`+bob+`"]}`, http.StatusCreated)
	at := "/groups/" + made.JID
	for _, row := range []struct {
		path, body string
		status     int
		code, says string
	}{
		{"/groups", `{"owner":"` + alice + `"}`, 400, "bad_request", "subject"},
		{"/groups", `{"subject":"Readers","owner":"1"}`, 400, "bad_request", "owner"},
		{"/groups", `{"subject":"Readers","owner":"` + alice + `","members":["777777"]}`, 404, "unknown_phone", "members"},
		{"/groups", `{"subject":"Readers","owner":"` + alice + `","addressing":"x"}`, 400, "bad_request", "addressing"},
		{"/groups/nonsense@g.us/add", `{"members":["` + carol + `"]}`, 404, "unknown_group", "nonsense"},
		{at + "/add", `{}`, 400, "bad_request", "members"},
		{at + "/add", `{"members":["` + bob + `"]}`, 409, "already_a_member", bob},
		{at + "/add", `{"members":["` + carol + `"],"by":"1"}`, 400, "bad_request", "by"},
		{at + "/remove", `{"members":["` + carol + `"]}`, 409, "not_a_member", carol},
		{at + "/remove", `{"members":["` + alice + `"],"by":"` + bob + `"}`, 409, "not_an_admin", bob},
		{at + "/settings", `{"settings":{"ephemeral":7}}`, 400, "bad_request", "ephemeral"},
		{at + "/join", `{}`, 400, "bad_request", "by"},
		{at + "/join", `{"by":"` + bob + `"}`, 409, "already_a_member", bob},
		{"/phones/" + carol + "/messages", `{"to":"` + made.JID + `","text":"hello"}`, 409, "not_a_member", "to"},
		{"/phones/" + carol + "/status", `{"readers":[]}`, 400, "bad_request", "text"},
	} {
		refusal := call[struct {
			Error struct{ Code, Message string }
		}](t, sim, "POST", row.path, row.body, row.status)
		require.Equal(t, row.code, refusal.Error.Code, "%s %s: %s", row.path, row.body, refusal.Error.Message)
		require.Contains(t, refusal.Error.Message, row.says)
	}
}
