package httpapi

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
)

// asksWhatsApp is the key under which the metadata of an operation says that it needs
// a connection.
const asksWhatsApp = "asksWhatsApp"

// refusalRules say what an operation may be refused with, from what it is.
var refusalRules = []struct {
	holds func(*huma.Operation) bool
	codes []actors.Code
}{
	{func(*huma.Operation) bool { return true }, []actors.Code{
		actors.CodeInvalidRequest, codeUnauthorized, actors.CodeForbidden, actors.CodeRateLimited, actors.CodeInternal,
		actors.CodeStorageUnavailable, actors.CodeDraining, actors.CodeUpstreamTimeout,
	}},
	{func(o *huma.Operation) bool { return o.RequestBody != nil }, []actors.Code{codeRequestTimeout, codeBodyTooLarge, actors.CodeUnsupportedMedia}},
	{namesAccount, []actors.Code{
		actors.CodeAccountNotFound, actors.CodeAccountBusy, actors.CodeRoutingUnavailable, actors.CodeOutcomeUnknown,
	}},
	{func(o *huma.Operation) bool { return o.Metadata[asksWhatsApp] != nil }, []actors.Code{
		actors.CodeNotPaired, actors.CodeLoggedOut, actors.CodeAccountBanned, actors.CodeConflict, actors.CodeAccountOffline, actors.CodeNotFound,
	}},
	{sends, []actors.Code{
		actors.CodeChatNotFound, actors.CodeMessageNotFound, actors.CodeNotPaired, actors.CodeLoggedOut, actors.CodeAccountRestricted,
		actors.CodeAccountBanned, actors.CodeConflict, actors.CodeMessageIDUsed, actors.CodeUnsupportedMedia, actors.CodeMediaTooLarge, actors.CodeIdempotency,
		actors.CodeNotOnWhatsApp, actors.CodeNoDevice, actors.CodeEditNotAllowed, actors.CodeEditExpired, actors.CodeScheduleInPast,
		actors.CodeMediaBroken, actors.CodeURLNotAllowed, actors.CodeMediaUnreachable, actors.CodeAccountOffline,
	}},
	{in("chatId"), []actors.Code{actors.CodeChatNotFound}},
	{in("groupId"), []actors.Code{actors.CodeChatNotFound}},
	{in("channelId"), []actors.Code{actors.CodeChatNotFound, actors.CodeMessageNotFound}},
	{in("id"), []actors.Code{actors.CodeMessageNotFound}},
	{in("keyId"), []actors.Code{actors.CodeNotFound, actors.CodeConflict}},
	{in("webhookId"), []actors.Code{actors.CodeNotFound}},
	{in("labelId"), []actors.Code{actors.CodeNotFound}},
	{in("contactId"), []actors.Code{actors.CodeNotFound, actors.CodeNotOnWhatsApp}},
	{func(o *huma.Operation) bool { return strings.HasSuffix(o.Path, "/media") }, []actors.Code{
		actors.CodeMediaNotFound, actors.CodeMediaTooLarge, codeRangeNotSatisfiable, actors.CodeAccountOffline,
		actors.CodeNotPaired, actors.CodeLoggedOut, actors.CodeAccountBanned,
	}},
}

// ownRefusals are what does not follow from what an operation is.
var ownRefusals = map[string][]actors.Code{
	"initializeClient":  {actors.CodeConflict, actors.CodeURLNotAllowed},
	"getClientQR":       {actors.CodeAlreadyPaired, actors.CodeQRNotReady},
	"createPairingCode": {actors.CodeAlreadyPaired, actors.CodeQRNotReady, actors.CodeConflict, actors.CodeAccountOffline},
	"getPasskey":        {actors.CodeAlreadyPaired, actors.CodeConflict},
	"answerPasskey":     {actors.CodeAlreadyPaired},
	"confirmPasskey":    {actors.CodeAlreadyPaired},
	"restartClient":     {actors.CodeConflict},
	"disconnectClient":  {actors.CodeConflict, actors.CodeAccountOffline},
	"removeClient":      {actors.CodeConflict, actors.CodeAccountOffline},
	"setSettings":       {actors.CodeConflict, actors.CodeURLNotAllowed},
	"cancelSend":        {actors.CodeConflict},
	"getContact":        {actors.CodeAccountOffline, actors.CodeNotPaired, actors.CodeLoggedOut, actors.CodeAccountBanned},
	"getContactPhoto": {
		actors.CodeAccountOffline, actors.CodeNotPaired, actors.CodeLoggedOut, actors.CodeAccountBanned, actors.CodeMediaNotFound, actors.CodeMediaTooLarge,
	},
	"listMessages":    {actors.CodeMessageNotFound},
	"searchMessages":  {actors.CodeChatNotFound},
	"requestHistory":  {actors.CodeMessageNotFound},
	"starMessage":     {actors.CodeMessageNotFound},
	"listEvents":      {actors.CodeCursorExpired},
	"listAllEvents":   {actors.CodeCursorExpired},
	"createWebhook":   {actors.CodeURLNotAllowed},
	"replaceWebhook":  {actors.CodeURLNotAllowed},
	"createTicket":    {actors.CodeRateLimited},
	"backup":          {actors.CodeConflict},
	"createGroup":     {actors.CodeChatNotFound},
	"joinGroup":       {actors.CodeChatNotFound},
	"getInvitedGroup": {actors.CodeChatNotFound},
	"findChannel":     {actors.CodeChatNotFound},
	"cordonNode":      {actors.CodeNotFound, actors.CodeRoutingUnavailable, actors.CodeOutcomeUnknown},
	"uncordonNode":    {actors.CodeNotFound, actors.CodeRoutingUnavailable, actors.CodeOutcomeUnknown},
	"drainNode":       {actors.CodeNotFound, actors.CodeRoutingUnavailable, actors.CodeOutcomeUnknown},
}

func in(parameter string) func(*huma.Operation) bool {
	return func(o *huma.Operation) bool { return strings.Contains(o.Path, "{"+parameter+"}") }
}

func namesAccount(o *huma.Operation) bool {
	return in("accountNumber")(o) || o.RequestBody != nil || slices.ContainsFunc(o.Parameters, func(p *huma.Param) bool {
		return p.Name == "accountNumber"
	})
}

// sends tells operations that give the outbox something.
func sends(o *huma.Operation) bool {
	return slices.ContainsFunc(o.Parameters, func(p *huma.Param) bool { return p.Name == headerKey })
}

// refusalsOf are the codes that an operation may be refused with, in the order of the
// table.
func refusalsOf(operation *huma.Operation) []row {
	codes := ownRefusals[operation.OperationID]
	for _, rule := range refusalRules {
		if rule.holds(operation) {
			codes = append(slices.Clip(codes), rule.codes...)
		}
	}
	var rows []row
	for _, row := range table {
		if slices.Contains(codes, row.code) {
			rows = append(rows, row)
		}
	}
	return rows
}

// addRefusals tells of an operation's refusals, one response for each status. What
// several operations have in common stands once, among the components.
func addRefusals(document *huma.OpenAPI, operation *huma.Operation) {
	operation.Responses = maps.Clone(operation.Responses) // which others may share
	delete(operation.Responses, "default")
	byStatus := map[int][]row{}
	for _, row := range refusalsOf(operation) {
		byStatus[row.status] = append(byStatus[row.status], row)
	}
	for status, rows := range byStatus {
		parts := []string{strconv.Itoa(status)}
		for _, row := range rows {
			parts = append(parts, string(row.code))
		}
		name := strings.Join(parts, ".")
		if document.Components.Responses[name] == nil {
			document.Components.Responses[name] = refusal(status, rows)
		}
		operation.Responses[strconv.Itoa(status)] = &huma.Response{Ref: "#/components/responses/" + name}
	}
}

func refusal(status int, rows []row) *huma.Response {
	code := &huma.Schema{Type: huma.TypeString}
	shown := map[string]*huma.Example{}
	var sentences []string
	for _, row := range rows {
		code.Enum = append(code.Enum, string(row.code))
		shown[string(row.code)] = &huma.Example{Ref: "#/components/examples/" + string(row.code)}
		sentences = append(sentences, fmt.Sprintf("`%s`: %s", row.code, row.sentence))
	}
	narrowed := &huma.Schema{AllOf: []*huma.Schema{
		{Ref: schemaPath + "Failure"},
		{Properties: map[string]*huma.Schema{"error": {Properties: map[string]*huma.Schema{"code": code}}}},
	}}
	response := &huma.Response{
		Description: strings.Join(sentences, "\n\n"),
		Headers:     map[string]*huma.Param{headerRequestID: headerRef(headerRequestID)},
		Content:     map[string]*huma.MediaType{typeJSON: {Schema: narrowed, Examples: shown}},
	}
	switch status {
	case http.StatusUnauthorized:
		response.Headers["WWW-Authenticate"] = headerRef("WWW-Authenticate")
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusConflict:
		response.Headers["Retry-After"] = headerRef("Retry-After")
	}
	return response
}

// refusalExamples are what a caller is told, for each code of the table.
func refusalExamples() map[string]*huma.Example {
	shown := map[string]*huma.Example{}
	for _, row := range table {
		refused := &failure{Problem: problem{Code: row.code, Message: row.sentence, RequestID: "01JA2Z3V4W5X6Y7Z8A9B0C1D2E"}}
		if row.code == actors.CodeInvalidRequest {
			refused.Problem.Message = "chatId: expected a number, or an address at c.us, s.whatsapp.net, lid or g.us"
			refused.Problem.Details = &details{Field: "chatId"}
		}
		shown[string(row.code)] = &huma.Example{Summary: row.sentence, Value: refused}
	}
	return shown
}
