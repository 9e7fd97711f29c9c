package simulator

import (
	"errors"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// groupRefusals are the codes by which requests and messages to groups are refused.
var groupRefusals = []struct {
	is   error
	code int
	text string
}{
	{ErrUnknownGroup, 404, "item-not-found"},
	{ErrNotMember, 403, "forbidden"},
	{ErrNotAdmin, 401, "not-authorized"},
	{ErrAlreadyMember, 409, "conflict"},
	{ErrTopicChanged, 409, "conflict"},
	{ErrGroupFull, 419, "resource-limit"},
	{ErrInviteRevoked, 410, "gone"},
	{ErrBadInvite, 406, "not-acceptable"},
	{ErrBadGroup, 406, "not-acceptable"},
	{ErrBadTimer, 400, "bad-request"},
}

func groupRefusal(err error) (code int, text string) {
	for _, row := range groupRefusals {
		if errors.Is(err, row.is) {
			return row.code, row.text
		}
	}
	return 500, "internal-server-error"
}

// groupRequest answers a request's child that was sent to a group.
type groupRequest func(a groupAct, asked *waBinary.Node) ([]waBinary.Node, error)

// groupRequests are what a group is asked, by type and child.
var groupRequests = map[string]groupRequest{
	"get query":                        groupAct.answerQuery,
	"get pictures":                     groupAct.answerPicture,
	"get invite":                       answerInvite(false),
	"set invite":                       answerInvite(true),
	"set accept":                       groupAct.answerAccept,
	"set add":                          answerChange(groupAct.add),
	"set remove":                       answerChange(groupAct.remove),
	"set promote":                      answerChange(groupAct.promote),
	"set demote":                       answerChange(groupAct.demote),
	"set subject":                      groupAct.answerSubject,
	"set description":                  groupAct.answerDescription,
	"set locked":                       answerSetting(func(s *GroupSettings, _ *waBinary.Node) { s.Locked = true }),
	"set unlocked":                     answerSetting(func(s *GroupSettings, _ *waBinary.Node) { s.Locked = false }),
	"set announcement":                 answerSetting(func(s *GroupSettings, _ *waBinary.Node) { s.Announce = true }),
	"set not_announcement":             answerSetting(func(s *GroupSettings, _ *waBinary.Node) { s.Announce = false }),
	"set ephemeral":                    answerSetting(func(s *GroupSettings, n *waBinary.Node) { s.Ephemeral = timerIn(n) }),
	"set not_ephemeral":                answerSetting(func(s *GroupSettings, _ *waBinary.Node) { s.Ephemeral = 0 }),
	"set member_add_mode":              answerSetting(func(s *GroupSettings, n *waBinary.Node) { s.AdminsAdd = adminsAddIn(n) }),
	"set membership_approval_mode":     answerSetting(func(s *GroupSettings, n *waBinary.Node) { s.JoinApproval = approvalIn(n) }),
	"get membership_approval_requests": groupAct.answerRequests,
	"set membership_requests_action":   groupAct.answerDecision,
	"get sub_groups":                   groupAct.answerSubGroups,
	"get linked_groups_participants":   groupAct.answerLinkedParticipants,
	"set links":                        groupAct.answerLink,
	"set unlink":                       groupAct.answerUnlink,
}

// groupServerRequests are what the group server as such is asked.
var groupServerRequests = map[string]func(s *Simulator, by *account, asked *waBinary.Node) ([]waBinary.Node, error){
	"set create":        (*Simulator).answerCreateLocked,
	"set leave":         (*Simulator).answerLeaveLocked,
	"get participating": (*Simulator).answerParticipatingLocked,
	"get invite":        (*Simulator).answerInviteInfoLocked,
	"set invite":        (*Simulator).answerJoinLocked,
}

// groupIQ answers the namespace w:g2.
func (s *Simulator) groupIQ(c *connection, d *device, request *waBinary.Node) waBinary.Node {
	children := request.GetChildren()
	if len(children) == 0 {
		return failed(request, 400, "bad-request")
	}
	name := attr(request, "type") + " " + children[0].Tag
	answer, err := s.answerGroup(d.account, attrJID(request, "to"), name, &children[0])
	if errors.Is(err, errNoSuchRequest) {
		s.recordNote(c, "unknown request to a group: "+name)
		return failed(request, 400, "bad-request")
	}
	if err != nil {
		code, text := groupRefusal(err)
		return failed(request, code, text)
	}
	return result(request, answer...)
}

var errNoSuchRequest = errors.New("no such request")

func (s *Simulator) answerGroup(by *account, to types.JID, name string, asked *waBinary.Node) (answer []waBinary.Node, err error) {
	if to == types.GroupServerJID {
		handle, ok := groupServerRequests[name]
		if !ok {
			return nil, errNoSuchRequest
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return handle(s, by, asked)
	}
	handle, ok := groupRequests[name]
	if !ok {
		return nil, errNoSuchRequest
	}
	err = s.actOn(by, to, func(a groupAct) error {
		answer, err = handle(a, asked)
		return err
	})
	return answer, err
}
