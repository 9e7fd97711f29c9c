package mcp

// tools are the operations that assistants are offered. Each one costs a model
// attention; a test sees to it that every operation of the specification is here or in
// leftOut.
var tools = []string{
	// Accounts, and linking one.
	"listClients", "getClient", "initializeClient", "createPairingCode", "restartClient", "getProfile", "setProfile",

	// Reading.
	"listConversations", "getConversation", "listMessages", "getMessage", "searchMessages", "listEvents",
	"listStatuses", "getStatus", "requestHistory",

	// Sending, and what becomes of it.
	"sendMessage", "postStatus", "deleteStatus", "showTyping", "listOutbox", "getDelivery", "cancelSend", "cancelSends",

	// What is done to chats.
	"readChat", "markChatUnread", "archiveChat", "pinChat", "muteChat", "starMessage", "clearChat", "deleteChat", "deleteMessageForMe",

	// People.
	"listContacts", "getContact", "checkNumbers", "saveContact", "getBusiness", "listBlocked", "blockContact", "unblockContact", "resolveLink",

	// Groups.
	"listGroups", "getGroup", "createGroup", "getInvitedGroup", "joinGroup", "leaveGroup", "getGroupInvite",
	"setGroupSubject", "setGroupDescription", "addParticipants", "removeParticipants", "promoteParticipants", "demoteParticipants",
	"listJoinRequests", "approveJoinRequests", "rejectJoinRequests",

	// Labels.
	"listLabels", "listLabelItems", "createLabel", "labelChat", "unlabelChat", "labelMessage", "unlabelMessage",

	// Channels.
	"listChannels", "getChannel", "findChannel", "listChannelMessages", "followChannel", "unfollowChannel", "reactToChannelMessage",
}

// destructive are tools that take something away, beside those that delete by name.
var destructive = map[string]bool{"clearChat": true, "leaveGroup": true, "removeParticipants": true, "unfollowChannel": true}

// Why an operation is no tool.
const (
	isBytes     = "its answer or input is bytes, which have no place in a conversation"
	isTwice     = "another tool does the same"
	isPower     = "decides who may do what, or where data goes: nothing a message may talk a model into"
	isForGood   = "ends a session or an account, which nobody but the owner of the phone brings back"
	needsPhone  = "needs the owner's browser or eyes beside the model"
	isForStream = "its effect is told on WebSockets, which an assistant does not hear"
	isRare      = "is set up once; a tool costs attention in every conversation"
)

var leftOut = map[string]string{
	"backup": isBytes, "getMessageMedia": isBytes, "getStatusMedia": isBytes, "getContactPhoto": isBytes,
	"setProfilePicture": isBytes, "setGroupPicture": isBytes,

	"listConversationsOf": isTwice, "listContactsOf": isTwice, "listAllEvents": isTwice, "sendMessages": isTwice,

	"createKey": isPower, "listKeys": isPower, "getKey": isPower, "changeKey": isPower, "rotateKey": isPower, "revokeKey": isPower,
	"listAudit":  isPower,
	"getCluster": isPower, "cordonNode": isPower, "uncordonNode": isPower, "drainNode": isPower,
	"createWebhook": isPower, "listWebhooks": isPower, "getWebhook": isPower, "replaceWebhook": isPower, "deleteWebhook": isPower,
	"rotateWebhookSecret": isPower, "testWebhook": isPower, "pauseWebhook": isPower, "resumeWebhook": isPower,
	"listWebhookDeliveries": isPower, "listDeadLetters": isPower, "redriveDeadLetters": isPower,
	"getSettings": isPower, "setSettings": isPower, "setPrivacy": isPower,

	"removeClient": isForGood, "disconnectClient": isForGood,

	"getClientQR": needsPhone, "getPasskey": needsPhone, "answerPasskey": needsPhone, "confirmPasskey": needsPhone,

	"createTicket": isForStream, "setPresence": isForStream, "subscribeContact": isForStream, "watchChannel": isForStream,
	"listChannelUpdates": isForStream, "rejectCall": isForStream,

	"getPrivacy": isRare, "getStatusPrivacy": isRare, "setDefaultDisappearing": isRare, "removeProfilePicture": isRare,
	"getContactLink": isRare, "resetContactLink": isRare, "resetGroupInvite": isRare, "removeGroupPicture": isRare,
	"setGroupSettings": isRare, "listCommunityParticipants": isRare, "listSubgroups": isRare, "linkSubgroup": isRare, "unlinkSubgroup": isRare,
	"editLabel": isRare, "deleteLabel": isRare, "createChannel": isRare, "muteChannel": isRare, "viewChannelMessages": isRare,
}
