package httpapi

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
)

// reach says how a method of whatsmeow's client is used: by which operations, named
// as in the specification; else inside, for what; else not, and why.
type reach struct{ operations, inside, not string }

// methods are all that whatsmeow's client can do.
var methods = map[string]reach{
	// Groups and communities.
	"CreateGroup":                    {operations: "createGroup"},
	"GetGroupInfo":                   {operations: "getGroup"},
	"GetJoinedGroups":                {operations: "listGroups"},
	"LeaveGroup":                     {operations: "leaveGroup"},
	"SetGroupName":                   {operations: "setGroupSubject"},
	"SetGroupTopic":                  {operations: "setGroupDescription"},
	"SetGroupDescription":            {not: "deprecated: SetGroupTopic does the same"},
	"SetGroupPhoto":                  {operations: "setGroupPicture removeGroupPicture setProfilePicture removeProfilePicture"},
	"SetGroupAnnounce":               {operations: "setGroupSettings"},
	"SetGroupLocked":                 {operations: "setGroupSettings"},
	"SetGroupJoinApprovalMode":       {operations: "setGroupSettings"},
	"SetGroupMemberAddMode":          {operations: "setGroupSettings"},
	"SetDisappearingTimer":           {operations: "setGroupSettings"},
	"UpdateGroupParticipants":        {operations: "addParticipants removeParticipants promoteParticipants demoteParticipants"},
	"GetGroupRequestParticipants":    {operations: "listJoinRequests"},
	"UpdateGroupRequestParticipants": {operations: "approveJoinRequests rejectJoinRequests"},
	"GetGroupInviteLink":             {operations: "getGroupInvite resetGroupInvite"},
	"GetGroupInfoFromLink":           {operations: "getInvitedGroup"},
	"GetGroupInfoFromInvite":         {operations: "getInvitedGroup"},
	"JoinGroupWithLink":              {operations: "joinGroup"},
	"JoinGroupWithInvite":            {operations: "joinGroup"},
	"LinkGroup":                      {operations: "linkSubgroup"},
	"UnlinkGroup":                    {operations: "unlinkSubgroup"},
	"GetSubGroups":                   {operations: "listSubgroups"},
	"GetLinkedGroupsParticipants":    {operations: "listCommunityParticipants"},

	// Channels.
	"CreateNewsletter":               {operations: "createChannel"},
	"AcceptTOSNotice":                {operations: "createChannel"},
	"GetSubscribedNewsletters":       {operations: "listChannels"},
	"GetNewsletterInfo":              {operations: "getChannel"},
	"GetNewsletterInfoWithInvite":    {operations: "findChannel"},
	"FollowNewsletter":               {operations: "followChannel"},
	"UnfollowNewsletter":             {operations: "unfollowChannel"},
	"NewsletterToggleMute":           {operations: "muteChannel"},
	"GetNewsletterMessages":          {operations: "listChannelMessages"},
	"GetNewsletterMessageUpdates":    {operations: "listChannelUpdates"},
	"NewsletterSendReaction":         {operations: "reactToChannelMessage"},
	"NewsletterSubscribeLiveUpdates": {operations: "watchChannel"},
	"NewsletterMarkViewed":           {not: "waits for an answer without an end; viewChannelMessages sends the same receipt"},

	// The account itself.
	"SetStatusMessage":            {operations: "setProfile"},
	"SendAppState":                {operations: "setProfile archiveChat pinChat muteChat starMessage markChatUnread clearChat deleteChat deleteMessageForMe saveContact createLabel editLabel deleteLabel labelChat unlabelChat labelMessage unlabelMessage"},
	"GetUserInfo":                 {operations: "getProfile getContact"},
	"GetProfilePictureInfo":       {operations: "getProfile"},
	"TryFetchPrivacySettings":     {operations: "getPrivacy"},
	"GetPrivacySettings":          {not: "hides failures: TryFetchPrivacySettings does the same"},
	"SetPrivacySetting":           {operations: "setPrivacy"},
	"SetDefaultDisappearingTimer": {operations: "setDefaultDisappearing"},
	"GetStatusPrivacy":            {operations: "getStatusPrivacy"},
	"GetContactQRLink":            {operations: "getContactLink resetContactLink"},

	// Other people.
	"ResolveContactQRLink":       {operations: "resolveLink"},
	"ResolveBusinessMessageLink": {operations: "resolveLink"},
	"GetBusinessProfile":         {operations: "getBusiness"},
	"IsOnWhatsApp":               {operations: "checkNumbers"},
	"SubscribePresence":          {operations: "subscribeContact"},
	"GetBlocklist":               {operations: "listBlocked getContact"},
	"UpdateBlocklist":            {operations: "blockContact unblockContact"},
	"GetUserDevices":             {inside: "device lists warmed before a send to a large group"},
	"GetUserDevicesContext":      {not: "GetUserDevices under another name"},
	"GetOrderDetails":            {not: "orders are a business's trade with WhatsApp's catalogue, which is not offered"},
	"GetBotListV2":               {not: "WhatsApp's own assistants: whatsmeow lists them and cannot talk to them"},
	"GetBotProfiles":             {not: "as GetBotListV2"},
	"FetchStickerPack":           {not: "packs are chosen from in an app; stickers are sent one by one"},

	// Messages.
	"SendMessage":                    {operations: "sendMessage postStatus"},
	"GenerateMessageID":              {not: "ids are made at acceptance, without a connection"},
	"BuildPollVote":                  {operations: "sendMessage"},
	"BuildPollCreation":              {not: "the draft of a poll makes the same"},
	"BuildEdit":                      {not: "the draft of an edit makes the same, with its time"},
	"BuildReaction":                  {not: "the draft of a reaction makes the same"},
	"BuildRevoke":                    {not: "the draft of a deletion makes the same"},
	"BuildMessageKey":                {not: "drafts make it"},
	"RevokeMessage":                  {not: "deprecated: a deletion is sent as any message"},
	"EncryptComment":                 {not: "comments exist in channels' announcement groups alone, for admins"},
	"EncryptPollVote":                {not: "BuildPollVote calls it"},
	"EncryptReaction":                {operations: "sendMessage"},
	"DecryptComment":                 {inside: "what is received"},
	"DecryptPollVote":                {inside: "what is received"},
	"DecryptReaction":                {inside: "what is received"},
	"DecryptSecretEncryptedMessage":  {inside: "what is received"},
	"BuildUnavailableMessageRequest": {not: "whatsmeow asks the phone by itself (AutomaticMessageRerequestFromPhone)"},
	"MarkRead":                       {operations: "readChat"},
	"SendChatPresence":               {operations: "showTyping"},
	"SendPresence":                   {operations: "setPresence"},
	"RejectCall":                     {operations: "rejectCall"},
	"SendFBMessage":                  {not: "for Messenger and Instagram"},
	"SetForceActiveDeliveryReceipts": {not: "receipts tell others that the account is online; its presence is the user's choice"},

	// Media.
	"Upload":                          {not: "it holds a file in memory; UploadReader does not"},
	"UploadReader":                    {inside: "media that is sent"},
	"UploadNewsletter":                {not: "as Upload"},
	"UploadNewsletterReader":          {inside: "media that is sent to channels"},
	"Download":                        {not: "it holds a file in memory; DownloadMediaWithPathToFile does not"},
	"DownloadAny":                     {not: "as Download"},
	"DownloadToFile":                  {inside: "parts of the history"},
	"DownloadMediaWithPath":           {not: "as Download"},
	"DownloadMediaWithPathToFile":     {inside: "media that was received"},
	"DownloadMediaWithOnlyPath":       {not: "what has no key is fetched by its URL"},
	"DownloadMediaWithOnlyPathToFile": {not: "as DownloadMediaWithOnlyPath"},
	"DownloadThumbnail":               {not: "messages have a small picture of their own beside it"},
	"DownloadFB":                      {not: "for Messenger and Instagram"},
	"DownloadFBToFile":                {not: "for Messenger and Instagram"},
	"SendMediaRetryReceipt":           {inside: "media that has expired"},
	"DeleteMedia":                     {not: "what recipients may still fetch is not taken away from them"},

	// History and app state.
	"BuildHistorySyncRequest":           {inside: "asks the phone for older messages of a chat"},
	"SendPeerMessage":                   {inside: "asks the phone for older messages of a chat"},
	"DownloadHistorySync":               {inside: "parts of the history"},
	"ParseWebMessage":                   {inside: "parts of the history"},
	"SendProtocolMessageReceipt":        {inside: "tells the phone that a part of the history is stored"},
	"SendHistorySyncServerErrorReceipt": {not: "a part that cannot be fetched is tried again"},
	"FetchAppState":                     {not: "whatsmeow fetches it by itself"},
	"MarkNotDirty":                      {not: "whatsmeow does it by itself"},

	// The connection.
	"ConnectContext":                     {operations: "initializeClient"},
	"Connect":                            {not: "ConnectContext has an end"},
	"Disconnect":                         {operations: "disconnectClient"},
	"IsConnected":                        {inside: "the session's watchdog"},
	"IsLoggedIn":                         {inside: "the session's watchdog"},
	"PairPhone":                          {operations: "createPairingCode"},
	"GetQRChannel":                       {not: "events tell the codes; the channel would own the connection"},
	"SendPasskeyConfirmation":            {operations: "confirmPasskey"},
	"SendPasskeyResponse":                {operations: "answerPasskey"},
	"Logout":                             {not: "disconnects beneath its own goroutines; disconnectClient asks WhatsApp the same and ends the session in order"},
	"ResetConnection":                    {not: "connections are replaced as a whole"},
	"WaitForConnection":                  {not: "the session's state tells"},
	"SetPassive":                         {not: "whatsmeow does it by itself"},
	"AddEventHandlerWithSuccessStatus":   {inside: "all that happens"},
	"AddEventHandler":                    {not: "would acknowledge what could not be stored"},
	"RemoveEventHandler":                 {not: "a connection ends with its client"},
	"RemoveEventHandlers":                {not: "a connection ends with its client"},
	"SetMaxParallelRetryReceiptHandling": {inside: "set when a client is made"},
	"SetWebsocketHTTPClient":             {inside: "set when a client is made"},
	"SetMediaHTTPClient":                 {inside: "set when a client is made"},
	"SetPreLoginHTTPClient":              {inside: "set when a client is made"},
	"SetProxy":                           {not: "a proxy is beneath the clients that are set when a client is made"},
	"SetProxyAddress":                    {not: "a proxy is beneath the clients that are set when a client is made"},
	"SetSOCKSProxy":                      {not: "a proxy is beneath the clients that are set when a client is made"},
	"StoreLIDPNMapping":                  {not: "whatsmeow does it by itself"},
	"DangerousInternals":                 {inside: "viewChannelMessages, and unlinking, which whatsmeow has in no better form"},
	"RegisterForPushNotifications":       {not: "for apps on phones"},
	"GetServerPushNotificationConfig":    {not: "for apps on phones"},
}

func TestEveryMethodOfWhatsmeowIsReachableOrExplained(t *testing.T) {
	called, operations := calledMethods(t), operationIDs(t)
	client := reflect.TypeFor[*whatsmeow.Client]()
	var names []string
	for method := range client.Methods() {
		names = append(names, method.Name)
		reached, explained := methods[method.Name]
		require.True(t, explained, "%s: whatsmeow can do it; by which operation, or why not?", method.Name)
		switch {
		case reached.operations != "":
			require.True(t, called[method.Name], "%s is not called", method.Name)
			require.Subset(t, operations, strings.Fields(reached.operations), method.Name)
		case reached.inside != "":
			require.True(t, called[method.Name], "%s is not called", method.Name)
		default:
			require.NotEmpty(t, reached.not, method.Name)
			require.False(t, called[method.Name], "%s is called: %s", method.Name, reached.not)
		}
	}
	for name := range methods {
		require.True(t, slices.Contains(names, name), "%s: whatsmeow has no such method", name)
	}
}

// calledMethods are the names of all methods that the actors call or hand on.
func calledMethods(t *testing.T) map[string]bool {
	t.Helper()
	called := map[string]bool{}
	err := filepath.WalkDir("../actors", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for node := range ast.Preorder(file) {
			if selector, is := node.(*ast.SelectorExpr); is && clientOf(selector.X) {
				called[selector.Sel.Name] = true
			}
		}
		return nil
	})
	require.NoError(t, err)
	return called
}

// clientOf tells whether an expression is a client of whatsmeow's, by its name.
func clientOf(expression ast.Expr) bool {
	switch x := expression.(type) {
	case *ast.Ident:
		return x.Name == "client" || x.Name == "cli"
	case *ast.SelectorExpr:
		return x.Sel.Name == "client"
	default:
		return false
	}
}

func operationIDs(t *testing.T) (ids []string) {
	t.Helper()
	text, err := os.ReadFile("testdata/openapi.golden.json")
	require.NoError(t, err)
	var specification struct {
		Paths map[string]map[string]struct{ OperationID string }
	}
	require.NoError(t, json.Unmarshal(text, &specification))
	for _, operations := range specification.Paths {
		for _, operation := range operations {
			ids = append(ids, operation.OperationID)
		}
	}
	return ids
}
