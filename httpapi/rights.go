package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/zap"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/supervisor/access"
)

// ofInstallation is no right that a key can be given: it needs the administrator of
// the whole installation.
const ofInstallation access.Right = "installation"

// rights says what each operation needs. An operation that is not here is refused to
// everybody; a test sees to it that all are.
var rights = map[string]access.Right{
	"backup":     ofInstallation,
	"getCluster": ofInstallation, "cordonNode": ofInstallation, "uncordonNode": ofInstallation, "drainNode": ofInstallation,

	"createKey": access.Admin, "listKeys": access.Admin, "getKey": access.Admin, "changeKey": access.Admin,
	"rotateKey": access.Admin, "revokeKey": access.Admin, "listAudit": access.Admin,

	// Looks.
	"listClients": access.Read, "getClient": access.Read, "getClientQR": access.Read, "getPasskey": access.Read,
	"getSettings": access.Read, "getProfile": access.Read, "getPrivacy": access.Read, "getStatusPrivacy": access.Read,
	"getContactLink": access.Read, "resolveLink": access.Read, "getBusiness": access.Read,
	"listConversations": access.Read, "listConversationsOf": access.Read, "getConversation": access.Read,
	"listMessages": access.Read, "getMessage": access.Read, "getMessageMedia": access.Read, "searchMessages": access.Read,
	"listContacts": access.Read, "listContactsOf": access.Read, "getContact": access.Read, "getContactPhoto": access.Read,
	"listBlocked": access.Read, "checkNumbers": access.Read,
	"listEvents": access.Read, "listAllEvents": access.Read, "createTicket": access.Read, "listOutbox": access.Read, "getDelivery": access.Read,
	"listStatuses": access.Read, "getStatus": access.Read, "getStatusMedia": access.Read,
	"listLabels": access.Read, "listLabelItems": access.Read,
	"listGroups": access.Read, "getGroup": access.Read, "getGroupInvite": access.Read, "getInvitedGroup": access.Read,
	"listJoinRequests": access.Read, "listCommunityParticipants": access.Read, "listSubgroups": access.Read,
	"listChannels": access.Read, "getChannel": access.Read, "findChannel": access.Read,
	"listChannelMessages": access.Read, "listChannelUpdates": access.Read,

	// Acts in chats as the account.
	"sendMessage": access.Send, "sendMessages": access.Send, "cancelSend": access.Send, "cancelSends": access.Send,
	"postStatus": access.Send, "deleteStatus": access.Send, "rejectCall": access.Send,
	"readChat": access.Send, "markChatUnread": access.Send, "archiveChat": access.Send, "pinChat": access.Send,
	"muteChat": access.Send, "starMessage": access.Send, "showTyping": access.Send, "setPresence": access.Send,
	"clearChat": access.Send, "deleteChat": access.Send, "deleteMessageForMe": access.Send, "requestHistory": access.Send,
	"subscribeContact": access.Send, "labelChat": access.Send, "unlabelChat": access.Send,
	"labelMessage": access.Send, "unlabelMessage": access.Send,
	"reactToChannelMessage": access.Send, "viewChannelMessages": access.Send, "watchChannel": access.Send,

	// Changes the account, its session, and what it belongs to.
	"initializeClient": access.Manage, "removeClient": access.Manage, "disconnectClient": access.Manage, "restartClient": access.Manage,
	"createPairingCode": access.Manage, "answerPasskey": access.Manage, "confirmPasskey": access.Manage,
	"setSettings": access.Manage, "setProfile": access.Manage, "setProfilePicture": access.Manage, "removeProfilePicture": access.Manage,
	"setPrivacy": access.Manage, "setDefaultDisappearing": access.Manage, "resetContactLink": access.Manage,
	"saveContact": access.Manage, "blockContact": access.Manage, "unblockContact": access.Manage,
	"createLabel": access.Manage, "editLabel": access.Manage, "deleteLabel": access.Manage,
	"createGroup": access.Manage, "joinGroup": access.Manage, "leaveGroup": access.Manage, "resetGroupInvite": access.Manage,
	"setGroupSubject": access.Manage, "setGroupDescription": access.Manage, "setGroupSettings": access.Manage,
	"setGroupPicture": access.Manage, "removeGroupPicture": access.Manage,
	"addParticipants": access.Manage, "removeParticipants": access.Manage,
	"promoteParticipants": access.Manage, "demoteParticipants": access.Manage,
	"approveJoinRequests": access.Manage, "rejectJoinRequests": access.Manage, "linkSubgroup": access.Manage, "unlinkSubgroup": access.Manage,
	"createWebhook": access.Manage, "listWebhooks": access.Manage, "getWebhook": access.Manage, "replaceWebhook": access.Manage,
	"deleteWebhook": access.Manage, "rotateWebhookSecret": access.Manage, "testWebhook": access.Manage,
	"pauseWebhook": access.Manage, "resumeWebhook": access.Manage, "listWebhookDeliveries": access.Manage,
	"listDeadLetters": access.Manage, "redriveDeadLetters": access.Manage,
	"createChannel": access.Manage, "followChannel": access.Manage, "unfollowChannel": access.Manage, "muteChannel": access.Manage,
}

// streamRight is what a WebSocket needs.
const streamRight = access.Read

// audited are the operations that are noted in the audit log, beside those that need an
// administrator.
var audited = map[string]bool{"initializeClient": true, "removeClient": true, "disconnectClient": true, "setSettings": true}

// checkRight stands before the input is looked at, also of an operation that is not
// asked for by HTTP.
func (s *Server) checkRight(ctx huma.Context, next func(huma.Context)) {
	current, right := callOf(ctx.Context()), rights[ctx.Operation().OperationID]
	err := current.spend(ctx.Context(), ctx.SetHeader)
	if err == nil {
		err = permit(current.principal, right)
	}
	if err != nil {
		s.refuse(ctx, err)
		return
	}
	next(ctx)
	if current.passedOn != nil {
		return // who passed it on notes it
	}
	if right == access.Admin || right == ofInstallation || audited[ctx.Operation().OperationID] {
		s.audit(ctx, current)
	}
}

// refuse answers with an error in the place of the operation.
func (s *Server) refuse(ctx huma.Context, err error) {
	_ = huma.WriteErr(s.api, ctx, http.StatusInternalServerError, "", err) // err has its own status
}

// spend counts a request against the rate of its key, and tells what is left.
func (c *call) spend(ctx context.Context, tell func(name, value string)) error {
	if c.grant == nil {
		return nil
	}
	quota, bounded := c.grant.Take(ctx)
	if !bounded {
		return nil
	}
	tell("RateLimit-Limit", strconv.Itoa(quota.Limit))
	tell("RateLimit-Remaining", strconv.Itoa(quota.Remaining))
	tell("RateLimit-Reset", strconv.Itoa(wholeSeconds(quota.Reset)))
	if quota.Wait > 0 {
		return &actors.Error{Code: actors.CodeRateLimited, Message: "The key allows no more requests for now.", RetryAfter: quota.Wait}
	}
	return nil
}

// audit notes what was done, before the answer leaves.
func (s *Server) audit(ctx huma.Context, current *call) {
	if s.config.Keys == nil {
		return
	}
	entry := persist.AuditEntry{
		Tenant: current.principal.Tenant, Who: current.principal.ID, What: ctx.Operation().OperationID,
		Target: current.target, Outcome: "ok", Address: current.address,
	}
	for _, name := range []string{"accountNumber", "keyId"} {
		entry.Target = cmp.Or(entry.Target, ctx.Param(name))
	}
	if status := ctx.Status(); status >= http.StatusBadRequest {
		entry.Outcome = strconv.Itoa(status)
	}
	noting, cancel := context.WithTimeout(context.WithoutCancel(ctx.Context()), auditTime)
	defer cancel()
	if err := s.config.Keys.Record(noting, entry); err != nil {
		s.log.Error("what was done could not be noted in the audit log", zap.String("requestId", current.id),
			zap.String("operation", entry.What), zap.Error(err))
	}
}

// auditTime bounds the writing of an entry.
const auditTime = 5 * time.Second

// permit refuses what the principal has not the right for.
func permit(principal access.Principal, right access.Right) error {
	switch {
	case right == ofInstallation && principal.Installation(), right != ofInstallation && right != "" && principal.May(right):
		return nil
	case right == ofInstallation:
		return actors.Refuse(actors.CodeForbidden, "This is for the administrator of the installation.")
	default:
		return actors.Refuse(actors.CodeForbidden, "The key has not the right %q.", right)
	}
}
