package httpapi

import (
	"net/http"
	"time"

	"whatsapp-web-server/actors"
)

// messageInvitation is what a message invites somebody with, beside its code.
type messageInvitation struct {
	GroupID   group     `json:"groupId" doc:"the group's address"`
	Inviter   chat      `json:"inviter" doc:"who sent the message"`
	ExpiresAt time.Time `json:"expiresAt"`
}

func (s *Server) groupChangeRoutes() {
	performs[subjectInput, actors.Done](s, groupOperation("setGroupSubject", http.MethodPut, "/{groupId}/subject", "Rename a group"),
		(*subjectInput).request)
	performs[descriptionInput, actors.Done](s, groupOperation("setGroupDescription", http.MethodPut, "/{groupId}/description",
		"Change what a group says of itself"), (*descriptionInput).request)
	performs[groupPictureInput, actors.PictureID](s, groupOperation("setGroupPicture", http.MethodPut, "/{groupId}/picture",
		"Change a group's picture"), (*groupPictureInput).request)
	performs[GroupInput, actors.PictureID](s, groupOperation("removeGroupPicture", http.MethodDelete, "/{groupId}/picture",
		"Remove a group's picture"),
		func(i *GroupInput) (number, actors.Request) {
			return i.AccountNumber, actors.SetGroupPicture{ID: string(i.GroupID)}
		})
	performs[groupSettingsInput, actors.GroupSettings](s, groupOperation("setGroupSettings", http.MethodPut, "/{groupId}/settings",
		"Change those settings of a group that are given"), (*groupSettingsInput).request)
	performs[GroupInput, actors.Done](s, groupOperation("leaveGroup", http.MethodPost, "/{groupId}/leave", "Leave a group"),
		func(i *GroupInput) (number, actors.Request) {
			return i.AccountNumber, actors.LeaveGroup{ID: string(i.GroupID)}
		})
}

type subjectInput struct {
	GroupInput

	Body struct {
		Subject string `json:"subject" minLength:"1" maxLength:"100"`
	}
}

func (i *subjectInput) request() (number, actors.Request) {
	return i.AccountNumber, actors.SetGroupSubject{ID: string(i.GroupID), Subject: i.Body.Subject}
}

type descriptionInput struct {
	GroupInput

	Body struct {
		Description string `json:"description" maxLength:"2048" doc:"empty removes it"`
	}
}

func (i *descriptionInput) request() (number, actors.Request) {
	return i.AccountNumber, actors.SetGroupDescription{ID: string(i.GroupID), Description: i.Body.Description}
}

// pictureBody is a picture to be shown.
type pictureBody struct {
	Picture []byte `json:"picture" minLength:"1" doc:"a JPEG in base64, best square and 640 pixels wide"`
}

type groupPictureInput struct {
	GroupInput

	Body pictureBody
}

func (i *groupPictureInput) request() (number, actors.Request) {
	return i.AccountNumber, actors.SetGroupPicture{ID: string(i.GroupID), Picture: i.Body.Picture}
}

type groupSettingsInput struct {
	GroupInput

	Body actors.GroupSettingsChange
}

func (i *groupSettingsInput) request() (number, actors.Request) {
	return i.AccountNumber, actors.ChangeGroupSettings{ID: string(i.GroupID), Change: i.Body}
}

func (s *Server) groupMemberRoutes() {
	for change, summary := range map[actors.MemberChange]string{
		actors.AddMembers:     "Add participants to a group",
		actors.RemoveMembers:  "Remove participants from a group",
		actors.PromoteMembers: "Make participants admins of a group",
		actors.DemoteMembers:  "Make admins ordinary participants of a group",
	} {
		s.memberRoute(change, "/{groupId}/participants/", "Participants", summary)
	}
	for change, summary := range map[actors.MemberChange]string{
		actors.ApproveJoins: "Let in who asked to join a group",
		actors.RejectJoins:  "Turn away who asked to join a group",
	} {
		s.memberRoute(change, "/{groupId}/requests/", "JoinRequests", summary)
	}
	performs[GroupInput, actors.JoinRequestList](s, groupOperation("listJoinRequests", http.MethodGet, "/{groupId}/requests",
		"List who asks to be let into a group"),
		func(i *GroupInput) (number, actors.Request) {
			return i.AccountNumber, actors.ListJoinRequests{ID: string(i.GroupID)}
		})
}

func (s *Server) memberRoute(change actors.MemberChange, path, whom, summary string) {
	performs[membersInput, actors.MemberResults](s, groupOperation(string(change)+whom, http.MethodPost, path+string(change), summary),
		func(i *membersInput) (number, actors.Request) {
			return i.AccountNumber, actors.ChangeMembers{ID: string(i.GroupID), Change: change, People: spelled(i.Body.Participants)}
		})
}

type membersInput struct {
	GroupInput

	Body struct {
		Participants []chat `json:"participants" minItems:"1" maxItems:"1024" doc:"numbers or addresses" example:"[\"1234567890@c.us\"]"`
	}
}

func (s *Server) communityRoutes() {
	performs[GroupInput, actors.SubgroupList](s, groupOperation("listSubgroups", http.MethodGet, "/{groupId}/subgroups",
		"List the groups of a community"),
		func(i *GroupInput) (number, actors.Request) {
			return i.AccountNumber, actors.ListSubgroups{ID: string(i.GroupID)}
		})
	performs[GroupInput, actors.MemberList](s, groupOperation("listCommunityParticipants", http.MethodGet, "/{groupId}/participants",
		"List who is in the groups of a community"),
		func(i *GroupInput) (number, actors.Request) {
			return i.AccountNumber, actors.ListCommunityMembers{ID: string(i.GroupID)}
		})
	performs[subgroupInput, actors.Done](s, groupOperation("linkSubgroup", http.MethodPut, "/{groupId}/subgroups/{subgroupId}",
		"Make a group part of a community"),
		func(i *subgroupInput) (number, actors.Request) {
			return i.AccountNumber, actors.LinkSubgroup{ID: string(i.GroupID), GroupID: string(i.SubgroupID)}
		})
	performs[subgroupInput, actors.Done](s, groupOperation("unlinkSubgroup", http.MethodDelete, "/{groupId}/subgroups/{subgroupId}",
		"Take a group out of a community"),
		func(i *subgroupInput) (number, actors.Request) {
			return i.AccountNumber, actors.UnlinkSubgroup{ID: string(i.GroupID), GroupID: string(i.SubgroupID)}
		})
}

type subgroupInput struct {
	GroupInput

	SubgroupID group `path:"subgroupId" doc:"the address of a group"`
}
