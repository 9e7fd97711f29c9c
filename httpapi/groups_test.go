package httpapi

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
)

const groupID = "120363012345678901@g.us"

// errand is a call, what the account is asked because of it, and its answer.
type errand struct {
	method, path, body string
	asked              actors.Request
	reply              any
	status             int // 200 where not given
}

var chess = actors.Group{ID: groupID, Subject: "Chess", Settings: actors.GroupSettings{MembersAdd: "admins"}}

// run makes the calls and checks what they came to.
func (e errand) run(t *testing.T, base string) {
	t.Helper()
	o := &office{performed: e.reply}
	answer := boot(t, Config{}, o).ask(e.method, base+account+e.path, e.body)
	if e.status == 0 {
		e.status = http.StatusOK
	}
	answer.granted(t, e.status)
	require.Equal(t, []any{account, e.asked}, o.questions())
}

func TestGroupRoutesAskTheAccount(t *testing.T) {
	at, jpeg := "/"+groupID, []byte("picture")
	encoded := `{"picture":"` + base64.StdEncoding.EncodeToString(jpeg) + `"}`
	people, both := `{"participants":["1234567890","99887766554433@lid"]}`, []string{"1234567890@c.us", "99887766554433@lid"}
	changed := func(change actors.MemberChange) actors.ChangeMembers {
		return actors.ChangeMembers{ID: groupID, Change: change, People: both}
	}
	results := actors.MemberResults{Results: []actors.MemberResult{}}
	for name, errand := range map[string]errand{
		"list": {http.MethodGet, "", "", actors.ListGroups{}, actors.GroupList{}, 0},
		"get":  {http.MethodGet, strings.ReplaceAll(at, "@", "%40"), "", actors.GetGroup{ID: groupID}, chess, 0},
		"create": {
			http.MethodPost, "", `{"subject":"Team","participants":["+1 234567890"],"description":"All","communityId":"` + groupID +
				`","settings":{"announce":true,"membersAdd":"admins","disappearing":86400}}`,
			actors.CreateGroup{
				Subject: "Team", Participants: []string{"1234567890@c.us"}, Description: "All", CommunityID: groupID,
				Settings: actors.GroupSettings{Announce: true, MembersAdd: "admins", Disappearing: 86400},
			},
			actors.CreatedGroup{Group: chess},
			http.StatusCreated,
		},
		"community":   {http.MethodPost, "", `{"subject":"Village","community":true}`, actors.CreateGroup{Subject: "Village", Community: true, Participants: []string{}}, actors.CreatedGroup{Group: chess}, http.StatusCreated},
		"subject":     {http.MethodPut, at + "/subject", `{"subject":"Crew"}`, actors.SetGroupSubject{ID: groupID, Subject: "Crew"}, actors.Done{}, 0},
		"description": {http.MethodPut, at + "/description", `{"description":""}`, actors.SetGroupDescription{ID: groupID}, actors.Done{}, 0},
		"picture":     {http.MethodPut, at + "/picture", encoded, actors.SetGroupPicture{ID: groupID, Picture: jpeg}, actors.PictureID{ID: "7"}, 0},
		"no picture":  {http.MethodDelete, at + "/picture", "", actors.SetGroupPicture{ID: groupID}, actors.PictureID{}, 0},
		"settings": {
			http.MethodPut, at + "/settings", `{"locked":false,"disappearing":0}`,
			actors.ChangeGroupSettings{ID: groupID, Change: actors.GroupSettingsChange{Locked: new(false), Disappearing: new(uint32(0))}},
			chess.Settings,
			0,
		},
		"add":      {http.MethodPost, at + "/participants/add", people, changed(actors.AddMembers), results, 0},
		"remove":   {http.MethodPost, at + "/participants/remove", people, changed(actors.RemoveMembers), results, 0},
		"promote":  {http.MethodPost, at + "/participants/promote", people, changed(actors.PromoteMembers), results, 0},
		"demote":   {http.MethodPost, at + "/participants/demote", people, changed(actors.DemoteMembers), results, 0},
		"approve":  {http.MethodPost, at + "/requests/approve", people, changed(actors.ApproveJoins), results, 0},
		"reject":   {http.MethodPost, at + "/requests/reject", people, changed(actors.RejectJoins), results, 0},
		"requests": {http.MethodGet, at + "/requests", "", actors.ListJoinRequests{ID: groupID}, actors.JoinRequestList{}, 0},
		"leave":    {http.MethodPost, at + "/leave", "", actors.LeaveGroup{ID: groupID}, actors.Done{}, 0},
		"invite":   {http.MethodGet, at + "/invite", "", actors.GetGroupInvite{ID: groupID}, actors.GroupInvite{}, 0},
		"reset":    {http.MethodPost, at + "/invite/reset", "", actors.GetGroupInvite{ID: groupID, Reset: true}, actors.GroupInvite{}, 0},
		"invited": {
			http.MethodGet, "/invites/https%3A%2F%2Fchat.whatsapp.com%2FAbC?", "",
			actors.GetInvitedGroup{GroupInvitation: actors.GroupInvitation{Code: "AbC"}},
			chess,
			0,
		},
		"invited by message": {
			http.MethodGet, "/invites/AbC?groupId=" + groupID + "&inviter=1234567890&expiresAt=2026-01-02T12:00:00Z", "",
			actors.GetInvitedGroup{GroupInvitation: actors.GroupInvitation{Code: "AbC", GroupID: groupID, Inviter: "1234567890@c.us", ExpiresAt: noon}},
			chess,
			0,
		},
		"join": {
			http.MethodPost, "/join", `{"code":"https://chat.whatsapp.com/AbC?mode=x"}`,
			actors.JoinGroup{GroupInvitation: actors.GroupInvitation{Code: "AbC"}},
			actors.JoinedGroup{},
			0,
		},
		"accept": {
			http.MethodPost, "/join", `{"code":"AbC","from":{"groupId":"` + groupID + `","inviter":"1234567890","expiresAt":"2026-01-02T12:00:00Z"}}`,
			actors.JoinGroup{GroupInvitation: actors.GroupInvitation{Code: "AbC", GroupID: groupID, Inviter: "1234567890@c.us", ExpiresAt: noon}},
			actors.JoinedGroup{},
			0,
		},
		"subgroups": {http.MethodGet, at + "/subgroups", "", actors.ListSubgroups{ID: groupID}, actors.SubgroupList{}, 0},
		"members":   {http.MethodGet, at + "/participants", "", actors.ListCommunityMembers{ID: groupID}, actors.MemberList{}, 0},
		"link":      {http.MethodPut, at + "/subgroups" + at, "", actors.LinkSubgroup{ID: groupID, GroupID: groupID}, actors.Done{}, 0},
		"unlink":    {http.MethodDelete, at + "/subgroups" + at, "", actors.UnlinkSubgroup{ID: groupID, GroupID: groupID}, actors.Done{}, 0},
	} {
		t.Run(name, func(t *testing.T) { errand.run(t, "/api/groups/") })
	}
}

func TestGroupRoutesRefuseWhatIsNoGroup(t *testing.T) {
	o := &office{}
	e := boot(t, Config{}, o)
	base := "/api/groups/" + account
	for _, wrong := range []struct{ method, path, body, field string }{
		{http.MethodGet, "/1234567890@c.us", "", "groupId"},
		{http.MethodPost, "", `{"subject":""}`, "subject"},
		{http.MethodPost, "", `{"subject":"S","participants":["x"]}`, "participants[0]"},
		{http.MethodPost, "", `{"subject":"S","settings":{"disappearing":5}}`, "settings.disappearing"},
		{http.MethodPost, "", `{"subject":"S","colour":1}`, "colour"},
		{http.MethodPut, "/" + groupID + "/settings", `{"membersAdd":"nobody"}`, "membersAdd"},
		{http.MethodPut, "/" + groupID + "/picture", `{"picture":"%"}`, "picture"},
		{http.MethodPost, "/" + groupID + "/participants/add", `{"participants":[]}`, "participants"},
		{http.MethodPost, "/join", `{"code":"https://chat.whatsapp.com/"}`, "code"},
	} {
		refusal := e.ask(wrong.method, base+wrong.path, wrong.body).refused(t, actors.CodeInvalidRequest)
		require.Equal(t, wrong.field, refusal.Details.Field, "%s %s %s: %s", wrong.method, wrong.path, wrong.body, refusal.Message)
	}
	require.Empty(t, o.questions())
}
