package simulator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// maxControlBody bounds a request to the control API; maxControlWait bounds its long polls.
const (
	maxControlBody = 16 << 20
	maxControlWait = 60 * time.Second
)

// controlRoutes is the control API, all of it on one screen. It is also what GET /openapi.json describes.
func (s *Simulator) controlRoutes() []route {
	return []route{
		on("GET /healthz", "Tells that the simulator serves", s.controlHealth),
		on("GET /openapi.json", "This description", s.controlDescription),
		on("GET /stats", "The referee's counts", s.controlStats),
		on("GET /log", "The stanzas taken and sent, waiting for the first if asked to", s.controlLog).polled(),
		streaming("GET /events", "What changes, as server-sent events", eventStreamType, s.controlEvents),
		on("GET /settings", "How all clients are treated", s.controlClientSettings),
		on("POST /settings", "Changes how clients are treated from now on", s.controlSetClientSettings),
		on("POST /reset", "Forgets everything and cuts every connection", s.controlReset),

		on("POST /phones", "Adds one phone, or count of them", s.controlAddPhones).creating(),
		on("GET /phones", "The phones in the order of their numbers, or those that match", s.controlPhones).listing(),
		on("GET /phones/{number}", "A phone with its linked devices", withPhone(s, controlPhone)),
		on("POST /phones/{number}/online", "Switches the phone on", withPhone(s, controlOnline)),
		on("POST /phones/{number}/offline", "Switches the phone off", withPhone(s, controlOffline)),
		on("POST /phones/{number}/scan", "Links the device that shows this QR code", withPhone(s, controlScan)),
		on("POST /phones/{number}/enter-code", "Links the device that shows this pairing code", withPhone(s, controlEnterCode)),
		on("POST /phones/{number}/passkey", "Gives the account a passkey, which scanning a QR code takes from then on", withPhone(s, controlAddPasskey)).creating(),
		on("POST /phones/{number}/passkey/sign", "Answers a WebAuthn request with the account's passkey", withPhone(s, controlSign)),
		on("POST /phones/{number}/messages", "Sends a message", withPhone(s, controlSend)).creating(),
		on("GET /phones/{number}/messages", "What the phone got, decrypted", withPhone(s, controlMessages)).polled(),
		on("GET /phones/{number}/sent", "What was written on the phone", withPhone(s, controlSent)).polled(),
		on("GET /phones/{number}/messages/{id}/media", "A message's file, downloaded, decrypted and verified", withPhone(s, controlMedia)),
		on("POST /phones/{number}/messages/{id}/media/expire", "Makes the media servers lose a message's file", withPhone(s, controlExpire)),
		on("POST /phones/{number}/history", "Gives the phone chats of long ago, for devices linked from now on", withPhone(s, controlHistory)),
		on("POST /phones/{number}/receipts", "Sends a receipt", withPhone(s, controlSendReceipt)),
		on("GET /phones/{number}/receipts", "The receipts that the phone got", withPhone(s, controlReceipts)).polled(),
		on("POST /phones/{number}/autoreply", "Makes the phone echo texts, or stop", withPhone(s, controlAutoReply)),
		on("POST /phones/{number}/presence", "Shows the account as available or not", withPhone(s, controlPresence)),
		on("POST /phones/{number}/typing", "Shows that the phone is composing, recording or has paused", withPhone(s, controlTyping)),
		on("GET /phones/{number}/typing", "What the phone was shown of others' typing", withPhone(s, controlTypingSeen)).polled(),
		on("POST /phones/{number}/block", "Blocks somebody", withPhone(s, controlBlock)),
		on("POST /phones/{number}/unblock", "Ends a block", withPhone(s, controlUnblock)),
		on("POST /phones/{number}/privacy", "Changes a privacy setting", withPhone(s, controlPrivacy)),
		on("POST /phones/{number}/call", "Calls somebody", withPhone(s, controlCall)).creating(),
		on("POST /phones/{number}/calls/{id}", "Accepts, rejects or ends a call", withPhone(s, controlCallAction)),
		on("GET /phones/{number}/calls", "What the phone was told about calls", withPhone(s, controlCalls)).polled(),
		on("POST /phones/{number}/about", "Changes the text under the name", withPhone(s, controlAbout)),
		on("POST /phones/{number}/picture", "Changes the profile picture", withPhone(s, controlPicture)),
		on("POST /phones/{number}/business", "Makes the account a business", withPhone(s, controlBusiness)),
		on("GET /phones/{number}/contact-link", "The link behind the account's QR code for contacts", withPhone(s, controlContactLink)),
		on("POST /phones/{number}/restrict", "Tells the account's devices of a restriction", withPhone(s, controlRestrict)),
		on("POST /phones/{number}/reinstall", "Gives the phone a new identity and unlinks its devices", withPhone(s, controlReinstall)),
		on("POST /phones/{number}/devices/{device}/listed", "Tells the referee all messages that a device lists", withPhone(s, controlListed)),
		on("POST /phones/{number}/devices/{device}/exhaust", "Uses up a device's one-time prekeys", withPhone(s, controlExhaust)),
		on("POST /phones/{number}/appstate", "Changes what the account's devices share", withPhone(s, controlChangeAppState)),
		on("GET /phones/{number}/appstate", "What the account's devices share, decrypted", withPhone(s, controlAppState)),
		on("DELETE /phones/{number}/devices/{device}", "Unlinks a device", withPhone(s, controlUnlink)),

		on("POST /phones/{number}/status", "Posts a status", withPhone(s, controlStatus)).creating(),

		on("POST /groups", "Creates a group", s.controlCreateGroup).creating(),
		on("GET /groups/{jid}", "A group with its members", s.controlGroup),
		on("POST /groups/{jid}/add", "Adds members", s.controlMembers(AddMembers)),
		on("POST /groups/{jid}/remove", "Removes members", s.controlMembers(RemoveMembers)),
		on("POST /groups/{jid}/promote", "Makes members admins", s.controlMembers(PromoteMembers)),
		on("POST /groups/{jid}/demote", "Makes admins ordinary members", s.controlMembers(DemoteMembers)),
		on("POST /groups/{jid}/approve", "Lets in who asked to join", s.controlMembers(ApproveJoin)),
		on("POST /groups/{jid}/reject", "Turns away who asked to join", s.controlMembers(RejectJoin)),
		on("POST /groups/{jid}/subject", "Renames the group", s.controlSubject),
		on("POST /groups/{jid}/description", "Describes the group", s.controlDescribeGroup),
		on("POST /groups/{jid}/picture", "Changes the group's picture", s.controlGroupPicture),
		on("POST /groups/{jid}/settings", "Changes the settings", s.controlSettings),
		on("POST /groups/{jid}/invite", "Replaces the invite link", s.controlResetInvite),
		on("POST /groups/{jid}/join", "Joins by the invite link", s.controlJoin),
		on("POST /groups/{jid}/leave", "Leaves the group", s.controlLeave),

		on("POST /newsletters", "Creates a newsletter", s.controlCreateNewsletter).creating(),
		on("GET /newsletters/{jid}", "A newsletter with its posts", s.controlNewsletter),
		on("POST /newsletters/{jid}/posts", "Lets the owner post, edit or take back a post", s.controlPost).creating(),
		on("POST /newsletters/{jid}/follow", "Follows the newsletter, or no longer", s.controlFollow),
		on("POST /newsletters/{jid}/react", "Reacts to a post", s.controlReact),
		on("POST /newsletters/{jid}/seen", "Notes that somebody has seen a post", s.controlSeen),

		on("POST /faults", "Asks for a deviation", s.controlAddFault).creating(),
		on("GET /faults", "The deviations asked for, and how often each has struck", s.controlFaults),
		on("GET /faults/catalog", "Every deviation that exists, and what clients do about it", s.controlFaultCatalog),
		on("DELETE /faults", "Ends all deviations", s.controlClearFaults),
		on("DELETE /faults/{id}", "Ends a deviation", s.controlRemoveFault),
	}
}

// controlServer serves the routes, and the page that shows and uses them.
func (s *Simulator) controlServer() http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.controlRoutes() {
		mux.Handle(r.pattern, r)
	}
	page := servePage()
	mux.Handle("GET /{$}", page)
	mux.Handle("GET /page/", page)
	mux.Handle("/", route{handle: func(r *http.Request) (any, error) {
		return nil, &controlError{http.StatusNotFound, "not_found", "no such route: " + r.Method + " " + r.URL.Path}
	}})
	return http.NewCrossOriginProtection().Handler(mux) // a foreign page in the user's browser may not steer the phones
}

// controlError is an error with its HTTP status and the code that programs read.
type controlError struct {
	status        int
	code, message string
}

func (e *controlError) Error() string { return e.message }

// refusalView is an error on the wire.
type refusalView struct {
	Error struct {
		Code    string `json:"code"` // for programs
		Message string `json:"message"`
	} `json:"error"`
}

func (e *controlError) view() (v refusalView) {
	v.Error.Code, v.Error.Message = e.code, e.message
	return v
}

func badField(field, format string, args ...any) error {
	return &controlError{http.StatusBadRequest, "bad_request", field + ": " + fmt.Sprintf(format, args...)}
}

// statusOf is the one table from errors to HTTP.
func statusOf(err error) *controlError {
	for _, row := range []struct {
		is     error
		status int
		code   string
	}{
		{errTooManyWatchers, http.StatusServiceUnavailable, "too_many_watchers"},
		{ErrUnknownPhone, http.StatusNotFound, "unknown_phone"},
		{ErrUnknownDevice, http.StatusNotFound, "unknown_device"},
		{ErrUnknownEntry, http.StatusNotFound, "unknown_entry"},
		{ErrNoMedia, http.StatusNotFound, "no_media"},
		{ErrUnknownMedia, http.StatusGone, "media_gone"},
		{ErrMediaTooLarge, http.StatusRequestEntityTooLarge, "too_large"},
		{ErrBadDraft, http.StatusBadRequest, "bad_request"},
		{ErrBadHistory, http.StatusBadRequest, "bad_request"},
		{ErrPhoneExists, http.StatusConflict, "phone_exists"},
		{ErrPhoneOffline, http.StatusConflict, "phone_offline"},
		{ErrUnknownGroup, http.StatusNotFound, "unknown_group"},
		{ErrNotMember, http.StatusConflict, "not_a_member"},
		{ErrAlreadyMember, http.StatusConflict, "already_a_member"},
		{ErrNotAdmin, http.StatusConflict, "not_an_admin"},
		{ErrFounder, http.StatusConflict, "founder"},
		{ErrWantsInvitation, http.StatusConflict, "wants_invitation"},
		{ErrGroupFull, http.StatusConflict, "group_full"},
		{ErrUnknownNewsletter, http.StatusNotFound, "unknown_newsletter"},
		{ErrUnknownPost, http.StatusNotFound, "unknown_post"},
		{ErrBadNewsletter, http.StatusBadRequest, "bad_request"},
		{ErrNotOwner, http.StatusConflict, "not_the_owner"},
		{ErrOwner, http.StatusConflict, "owner"},
		{ErrNotFollowing, http.StatusConflict, "not_following"},
		{ErrNewsletterFull, http.StatusConflict, "newsletter_full"},
		{ErrUnknownMessage, http.StatusNotFound, "unknown_message"},
		{ErrBadGroup, http.StatusBadRequest, "bad_request"},
		{ErrBadTimer, http.StatusBadRequest, "bad_request"},
		{ErrUnknownRef, http.StatusConflict, "unknown_ref"},
		{ErrUnknownCall, http.StatusNotFound, "unknown_call"},
		{ErrBadCall, http.StatusBadRequest, "bad_request"},
		{ErrBadTyping, http.StatusBadRequest, "bad_request"},
		{ErrBadPrivacy, http.StatusBadRequest, "bad_request"},
		{ErrBadProfile, http.StatusBadRequest, "bad_request"},
		{ErrNoCode, http.StatusConflict, "no_code"},
		{ErrWrongCode, http.StatusConflict, "wrong_code"},
		{ErrPairing, http.StatusConflict, "pairing_refused"},
		{ErrCompanionGone, http.StatusConflict, "companion_gone"},
		{ErrTooManyDevices, http.StatusConflict, "too_many_devices"},
		{ErrBadNumber, http.StatusBadRequest, "bad_request"},
		{ErrBadQR, http.StatusBadRequest, "bad_request"},
		{ErrBadFault, http.StatusBadRequest, "bad_request"},
		{ErrBadSettings, http.StatusBadRequest, "bad_request"},
		{context.DeadlineExceeded, http.StatusGatewayTimeout, "timeout"},
		{context.Canceled, http.StatusServiceUnavailable, "cancelled"},
	} {
		if errors.Is(err, row.is) {
			return &controlError{row.status, row.code, err.Error()}
		}
	}
	return &controlError{http.StatusInternalServerError, "internal", err.Error()}
}

type healthView struct {
	Status string `json:"status" enum:"ok"`
}

func (s *Simulator) controlHealth(*http.Request, none) (healthView, error) {
	return healthView{"ok"}, nil
}

func (s *Simulator) controlStats(*http.Request, none) (Stats, error) { return s.Stats(), nil }

func (s *Simulator) controlLog(r *http.Request, _ none) ([]LogEntry, error) {
	return poll(r, s.journal)
}

func (s *Simulator) controlReset(*http.Request, none) (none, error) {
	s.Reset()
	return none{}, nil
}
