package httpapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/actors"
)

// performs declares an operation that an account carries out, with a request made
// of the input, and answers with its reply.
func performs[I, R any](s *Server, operation huma.Operation, request func(*I) (number, actors.Request)) {
	operation.Metadata = map[string]any{asksWhatsApp: true}
	route(s, operation, func(ctx context.Context, input *I) (*reply[R], error) {
		account, asked := request(input)
		data, err := perform[R](ctx, s, account, asked)
		if err != nil {
			return nil, err
		}
		return &reply[R]{succeed(data)}, nil
	})
}

func (s *Server) groupRoutes() {
	s.groupListRoutes()
	s.groupInviteRoutes()
	s.groupChangeRoutes()
	s.groupMemberRoutes()
	s.communityRoutes()
}

// groupOperation is an operation below the groups of an account.
func groupOperation(id, method, path, summary string) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: method, Path: "/api/groups/{accountNumber}" + path, Tags: []string{"groups"}, Summary: summary,
	}
}

// group is the address of a group.
type group string

// Resolve reads the address.
func (g *group) Resolve(_ huma.Context, at *huma.PathBuffer) []error {
	text, err := decoded(string(*g), at)
	jid, ok := actors.ParseChat(text)
	if err != nil || !ok || jid.Server != types.GroupServer {
		return wrongAt(at, "expected the address of a group, …@g.us")
	}
	*g = group(actors.FormatChat(jid))
	return nil
}

// GroupInput is the input of what asks for nothing but a group.
type GroupInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	GroupID       group  `path:"groupId" doc:"the group's address" example:"120363012345678901@g.us"`
}

func (s *Server) groupListRoutes() {
	performs[clientInput, actors.GroupList](s, groupOperation("listGroups", http.MethodGet, "", "List the groups that an account is in"),
		func(i *clientInput) (number, actors.Request) { return i.AccountNumber, actors.ListGroups{} })
	performs[GroupInput, actors.Group](s, groupOperation("getGroup", http.MethodGet, "/{groupId}", "Tell of a group, and who is in it"),
		func(i *GroupInput) (number, actors.Request) {
			return i.AccountNumber, actors.GetGroup{ID: string(i.GroupID)}
		})
	create := groupOperation("createGroup", http.MethodPost, "", "Make a group, or a community")
	create.DefaultStatus = http.StatusCreated
	performs[createGroupInput, actors.CreatedGroup](s, create, (*createGroupInput).request)
}

type createGroupInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	Body          struct {
		Subject      string               `json:"subject" minLength:"1" maxLength:"100" doc:"the group's name" example:"Neighbours"`
		Participants []chat               `json:"participants,omitempty" maxItems:"1024" doc:"persons beside the account" example:"[\"1234567890@c.us\"]"`
		Description  string               `json:"description,omitempty" maxLength:"2048"`
		Settings     *createGroupSettings `json:"settings,omitempty"`
		Community    bool                 `json:"community,omitempty" doc:"make a community; WhatsApp adds the group for its announcements"`
		CommunityID  *group               `json:"communityId,omitempty" doc:"make the group a part of this community"`
	}
}

// createGroupSettings are those of a new group; what is not given is off.
type createGroupSettings struct {
	Announce     bool   `json:"announce,omitempty" doc:"only admins send"`
	Locked       bool   `json:"locked,omitempty" doc:"only admins change subject, description, picture and the timer"`
	JoinApproval bool   `json:"joinApproval,omitempty" doc:"admins approve who joins by the link"`
	MembersAdd   string `json:"membersAdd,omitempty" enum:"all,admins" doc:"who adds participants; all where not given"`
	Disappearing uint32 `json:"disappearing,omitempty" enum:"0,86400,604800,7776000" doc:"after how many seconds messages disappear; 0 for never"`
}

func (i *createGroupInput) request() (number, actors.Request) {
	wanted := actors.CreateGroup{
		Subject: i.Body.Subject, Participants: spelled(i.Body.Participants), Description: i.Body.Description,
		Community: i.Body.Community,
	}
	if i.Body.Settings != nil {
		wanted.Settings = actors.GroupSettings(*i.Body.Settings)
	}
	if i.Body.CommunityID != nil {
		wanted.CommunityID = string(*i.Body.CommunityID)
	}
	return i.AccountNumber, wanted
}

// spelled gives addresses back as texts.
func spelled(chats []chat) []string {
	texts := make([]string, len(chats))
	for i, chat := range chats {
		texts[i] = string(chat)
	}
	return texts
}

func (s *Server) groupInviteRoutes() {
	performs[groupInviteInput, actors.Group](s, groupOperation("getInvitedGroup", http.MethodGet, "/invites/{code}",
		"Tell of the group that an invite link, or an invitation that came in a message, leads to"), (*groupInviteInput).request)
	performs[GroupInput, actors.GroupInvite](s, groupOperation("getGroupInvite", http.MethodGet, "/{groupId}/invite",
		"Tell a group's invite link"),
		func(i *GroupInput) (number, actors.Request) {
			return i.AccountNumber, actors.GetGroupInvite{ID: string(i.GroupID)}
		})
	performs[GroupInput, actors.GroupInvite](s, groupOperation("resetGroupInvite", http.MethodPost, "/{groupId}/invite/reset",
		"Make a new invite link in place of the present one"),
		func(i *GroupInput) (number, actors.Request) {
			return i.AccountNumber, actors.GetGroupInvite{ID: string(i.GroupID), Reset: true}
		})
	performs[joinInput, actors.JoinedGroup](s, groupOperation("joinGroup", http.MethodPost, "/join",
		"Join a group by its link, or by an invitation that came in a message"), (*joinInput).request)
}

// invitation is the code of an invite link, or the link as a whole.
type invitation string

// Resolve takes the code out of the link.
func (v *invitation) Resolve(_ huma.Context, at *huma.PathBuffer) []error {
	text, err := decoded(string(*v), at)
	code := text[strings.LastIndex(text, "/")+1:]
	if code, _, _ = strings.Cut(code, "?"); err != nil || code == "" {
		return wrongAt(at, "expected an invite link or its last part")
	}
	*v = invitation(code)
	return nil
}

// inviteInput is the input of what asks for nothing but a link.
type inviteInput struct {
	AccountNumber number     `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	Code          invitation `path:"code" doc:"an invite link's last part, or the link URL-encoded"`
}

// groupInviteInput has what a message invited with in its query.
type groupInviteInput struct {
	AccountNumber number     `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	Code          invitation `path:"code" doc:"an invite link's last part, or the link URL-encoded; or a message's code"`
	GroupID       anyChat    `query:"groupId" doc:"with a message's code: the group's address"`
	Inviter       anyChat    `query:"inviter" doc:"with a message's code: who sent it"`
	ExpiresAt     time.Time  `query:"expiresAt" doc:"with a message's code"`
}

func (i *groupInviteInput) request() (number, actors.Request) {
	return i.AccountNumber, actors.GetInvitedGroup{GroupInvitation: actors.GroupInvitation{
		Code: string(i.Code), GroupID: string(i.GroupID), Inviter: string(i.Inviter), ExpiresAt: i.ExpiresAt,
	}}
}

type joinInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	Body          struct {
		Code invitation         `json:"code" doc:"an invite link or its last part; or a message's code, together with its invitation"`
		From *messageInvitation `json:"from,omitempty" doc:"what came with the code, where a message invited the account"`
	}
}

func (i *joinInput) request() (number, actors.Request) {
	wanted := actors.GroupInvitation{Code: string(i.Body.Code)}
	if from := i.Body.From; from != nil {
		wanted.GroupID, wanted.Inviter, wanted.ExpiresAt = string(from.GroupID), string(from.Inviter), from.ExpiresAt
	}
	return i.AccountNumber, actors.JoinGroup{GroupInvitation: wanted}
}
