package simulator

import (
	"slices"
	"strconv"
	"strings"
)

// Operations that a fault can strike.
const (
	opConnection = "connection" // living connections, at once
	opUpgrade    = "upgrade"    // a client's connecting, before it is known who it is: upgrade and handshake
	opPairing    = "pairing"    // the answer to a companion whose QR code was scanned
	opLogin      = "login"      // a paired device's login
	opIQ         = "iq"         // a companion's request
	opPing       = "ping"       // a companion's keepalive
	opAck        = "ack"        // the answer to a companion's message
	opMessage    = "message"    // a conversation's message on its way to a companion
	opReceipt    = "receipt"    // a receipt on its way to a companion
	opUpload     = "upload"     // a file on its way to the media servers
	opDownload   = "download"   // a file on its way from the media servers
	opClock      = "clock"      // the time on every stanza to a companion
)

// Actions of faults.
const (
	actionClose       = "close"
	actionDelay       = "delay"
	actionDrop        = "drop"
	actionDuplicate   = "duplicate"
	actionError       = "error"
	actionFailure     = "failure"
	actionHalfOpen    = "half_open"
	actionMalformed   = "malformed"
	actionNack        = "nack"
	actionReorder     = "reorder"
	actionSkew        = "skew"
	actionSlow        = "slow"
	actionStreamError = "stream_error"
	actionTruncate    = "truncate"
)

// FaultKind is one row of the catalogue: a deviation that exists, and what follows from it.
type FaultKind struct {
	Op     string `json:"op"`
	Action string `json:"action"`
	// Codes are those that this row is about. None means that the fault has no code; see also OtherCodes.
	Codes []int `json:"codes,omitempty"`
	// OtherCodes says that the row is about every code that no other row names.
	OtherCodes bool `json:"otherCodes,omitempty"`
	// Does is what the simulator does.
	Does string `json:"does"`
	// Client is what a good client does.
	Client string `json:"client"`
	// Whatsmeow is what whatsmeow does at the version that go.mod names, as the tests show.
	Whatsmeow string `json:"whatsmeow"`
	// Fatal says that it ends the process that whatsmeow runs in: the panic is in a goroutine of its own.
	Fatal bool `json:"fatal,omitempty"`
}

// Name tells the row apart: op, action and codes.
func (k FaultKind) Name() string {
	words := []string{k.Op, k.Action}
	for _, code := range k.Codes {
		words = append(words, strconv.Itoa(code))
	}
	if k.OtherCodes {
		words = append(words, "other")
	}
	return strings.Join(words, " ")
}

// FaultCatalog lists every fault that exists.
func FaultCatalog() []FaultKind { return slices.Clone(faultCatalog) }

// faultKindsOf are the rows of an operation and an action.
func faultKindsOf(op, action string) (kinds []FaultKind) {
	for _, k := range faultCatalog {
		if k.Op == op && k.Action == action {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// faultOps lists the operations, for who asked for something else.
func faultOps() string {
	var ops []string
	for _, k := range faultCatalog {
		ops = append(ops, k.Op)
	}
	return strings.Join(slices.Compact(ops), ", ")
}

// faultActions lists what can be done to an operation.
func faultActions(op string) string {
	var actions []string
	for _, k := range faultCatalog {
		if k.Op == op {
			actions = append(actions, k.Action)
		}
	}
	return strings.Join(slices.Compact(actions), ", ")
}

const (
	noReconnect = "shows the reason and stays away until somebody decides"
	comesBack   = "reconnects, later each time, and loses nothing"
)

// faultCatalog is the single list of faults: what is not here is refused, and each row has a test that shows what
// whatsmeow does.
var faultCatalog = []FaultKind{
	{
		Op: opConnection, Action: actionClose, Does: "cuts the connection without a word", Client: comesBack,
		Whatsmeow: "Disconnected, and it reconnects at once; IsLoggedIn stays true meanwhile",
	},
	{
		Op: opConnection, Action: actionStreamError, Codes: []int{401},
		Does: "sends stream:error 401 device_removed and closes", Client: "forgets the device: it has to be paired anew",
		Whatsmeow: "LoggedOut with OnConnect false; the stored device is deleted",
	},
	{
		Op: opConnection, Action: actionStreamError, Codes: []int{409},
		Does: "sends the conflict replaced and closes", Client: noReconnect,
		Whatsmeow: "StreamReplaced, and no reconnect",
	},
	{
		Op: opConnection, Action: actionStreamError, Codes: []int{503},
		Does: "sends stream:error 503 and closes; after delayMs if given, until when the client is on its own", Client: comesBack,
		Whatsmeow: "no event for the error; IsLoggedIn turns false, and nothing else happens until the connection closes: then Disconnected and a reconnect",
	},
	{
		Op: opConnection, Action: actionStreamError, Codes: []int{515},
		Does: "sends stream:error 515, restart, and closes", Client: "reconnects at once",
		Whatsmeow: "reconnects at once without Disconnected, unless DisableLoginAutoReconnect: then ManualLoginReconnect",
	},
	{
		Op: opConnection, Action: actionStreamError, OtherCodes: true,
		Does: "sends stream:error with the code and closes", Client: comesBack,
		Whatsmeow: "StreamError with the code, then Disconnected and a reconnect",
	},
	{
		Op: opConnection, Action: actionFailure, OtherCodes: true,
		Does: "sends failure in the midst of a session and closes", Client: "treats it like a failure at login",
		Whatsmeow: "the same as at login",
	},
	{
		Op: opConnection, Action: actionHalfOpen,
		Does: "keeps the TCP connection and neither answers nor sends any more", Client: "notices that its pings go unanswered, and reconnects",
		Whatsmeow: "KeepAliveTimeout per missed ping; after KeepAliveMaxFailTime a reconnect without Disconnected",
	},
	{
		Op: opConnection, Action: actionMalformed, Codes: []int{1},
		Does: "sends a frame that is no node", Client: "ignores it, or reconnects",
		Whatsmeow: "a warning in its log; the session goes on",
	},
	{
		Op: opConnection, Action: actionMalformed, Codes: []int{2},
		Does: "sends an empty frame", Client: "ignores it, or reconnects",
		Whatsmeow: "panics in Unpack: slice bounds out of range", Fatal: true,
	},
	{
		Op: opConnection, Action: actionMalformed, Codes: []int{3},
		Does: "sends a node whose tag is a list", Client: "ignores it, or reconnects",
		Whatsmeow: "panics in Unmarshal: a type assertion", Fatal: true,
	},
	{
		Op: opConnection, Action: actionTruncate,
		Does: "sends half a frame and cuts the connection", Client: comesBack,
		Whatsmeow: "Disconnected, and it reconnects at once; the half frame is forgotten",
	},
	{
		Op: opConnection, Action: actionSlow,
		Does: "waits for delayMs before each write to the client", Client: "works, later",
		Whatsmeow: "works, later: sends wait for their acks one after the other",
	},

	{
		Op: opUpgrade, Action: actionError, OtherCodes: true,
		Does: "answers the upgrade with the HTTP status", Client: comesBack,
		Whatsmeow: "Connect fails with the status in its error; a reconnect of its own goes on trying whatever the status",
	},
	{
		Op: opUpgrade, Action: actionClose, Does: "cuts the connection instead of upgrading it", Client: comesBack,
		Whatsmeow: "Connect fails",
	},
	{
		Op: opUpgrade, Action: actionDelay, Does: "upgrades after delayMs", Client: "waits, within its patience",
		Whatsmeow: "Connect waits",
	},
	{
		Op: opUpgrade, Action: actionHalfOpen, Does: "never answers the upgrade", Client: "gives up after a while and tries again",
		Whatsmeow: "Connect has no patience of its own: it waits until its context ends",
	},
	{
		Op: opUpgrade, Action: actionMalformed, Codes: []int{1},
		Does: "damages the answer to the client's hello", Client: "ends the handshake, and tries again later",
		Whatsmeow: "Connect fails: the handshake does not decrypt",
	},
	{
		Op: opUpgrade, Action: actionMalformed, Codes: []int{2},
		Does: "shows a certificate that another root has signed", Client: "trusts nobody, and says so",
		Whatsmeow: "Connect fails: the certificate's signature does not verify",
	},
	{
		Op: opUpgrade, Action: actionMalformed, Codes: []int{3},
		Does: "shows a certificate that has expired", Client: "trusts nobody, and says so; the own clock may be wrong",
		Whatsmeow: "Connect fails: the certificate has expired",
	},
	{
		Op: opUpgrade, Action: actionTruncate,
		Does: "sends half of the answer to the client's hello and cuts the connection", Client: comesBack,
		Whatsmeow: "Connect does not notice the cut: it fails after 20 s, when its wait for the answer ends",
	},

	{
		Op: opPairing, Action: actionMalformed, Does: "sends pair-success with a wrong HMAC", Client: "refuses the pairing and says so",
		Whatsmeow: "PairError; it tells the service hmac-mismatch, disconnects and is not paired",
	},
	{
		Op: opPairing, Action: actionDrop, Does: "never sends pair-success", Client: "goes on showing codes",
		Whatsmeow: "goes on showing codes",
	},
	{
		Op: opPairing, Action: actionTruncate, Does: "sends pair-success without its id", Client: "refuses the pairing",
		Whatsmeow: "panics in handlePairSuccess: a type assertion", Fatal: true,
	},

	{
		Op: opLogin, Action: actionClose, Does: "ends the stream upon a login, and closes after the grace or delayMs", Client: comesBack,
		Whatsmeow: "Connect has succeeded; Disconnected, and it reconnects after 0, 2, 4… s; without the stream's end before it, a cut at this point is a data race in its socket",
	},
	{
		Op: opLogin, Action: actionStreamError, OtherCodes: true, Does: "answers a login with stream:error and closes", Client: comesBack,
		Whatsmeow: "the same as during a session",
	},
	{
		Op: opLogin, Action: actionFailure, Codes: []int{401, 403, 406},
		Does: "answers a login with failure", Client: "forgets the device: it has to be paired anew",
		Whatsmeow: "LoggedOut with OnConnect true and the reason; the stored device is deleted",
	},
	{
		Op: opLogin, Action: actionFailure, Codes: []int{402},
		Does: "answers a login with a temporary ban, for delayMs or an hour", Client: "stays away until the ban is over",
		Whatsmeow: "TemporaryBan with code and duration; no reconnect",
	},
	{
		Op: opLogin, Action: actionFailure, Codes: []int{405},
		Does: "answers a login with: the client is outdated", Client: "says so; nothing helps but a newer version",
		Whatsmeow: "ClientOutdated; no reconnect",
	},
	{
		Op: opLogin, Action: actionFailure, Codes: []int{413, 414},
		Does: "answers a login with: the access token is invalid or has expired", Client: noReconnect,
		Whatsmeow: "panics in handleConnectFailure unless RefreshCAT is set: a nil function is called", Fatal: true,
	},
	{
		Op: opLogin, Action: actionFailure, Codes: []int{500, 503},
		Does: "answers a login with: the service is unavailable", Client: comesBack,
		Whatsmeow: "no event for the failure; Disconnected, and it reconnects after 0, 2, 4… s",
	},
	{
		Op: opLogin, Action: actionFailure, OtherCodes: true,
		Does: "answers a login with failure and the code", Client: noReconnect,
		Whatsmeow: "ConnectFailure with the reason; no reconnect",
	},
	{
		Op: opLogin, Action: actionDelay, Does: "answers a login after delayMs", Client: "waits, within its patience",
		Whatsmeow: "Connect has succeeded; Connected comes later",
	},
	{
		Op: opLogin, Action: actionHalfOpen, Does: "never answers a login", Client: "gives up after a while and tries again",
		Whatsmeow: "Connect has succeeded; KeepAliveTimeout per missed ping is all that follows until KeepAliveMaxFailTime",
	},

	{
		Op: opIQ, Action: actionError, OtherCodes: true,
		Does: "refuses a request with the code", Client: "tells who asked; asks again later if the code says so",
		Whatsmeow: "the call fails with an IQError of code and text, such as ErrIQRateOverLimit",
	},
	{
		Op: opIQ, Action: actionDrop, Does: "loses a request", Client: "gives up after a while",
		Whatsmeow: "the call waits for 75 s, or until its context ends",
	},
	{
		Op: opIQ, Action: actionDelay, Does: "takes a request delayMs later", Client: "waits",
		Whatsmeow: "the call waits; login's own requests hold Connected back",
	},
	{
		Op: opIQ, Action: actionMalformed, Does: "answers a request with an empty result", Client: "fails the call",
		Whatsmeow: "the call fails: an element is missing",
	},

	{
		Op: opPing, Action: actionDrop, Does: "loses a ping", Client: "reconnects if it happens again",
		Whatsmeow: "KeepAliveTimeout; KeepAliveRestored with the next answer",
	},
	{
		Op: opPing, Action: actionDelay, Does: "answers a ping after delayMs", Client: "waits, within its patience",
		Whatsmeow: "nothing, if the answer comes within KeepAliveResponseDeadline; else as if lost",
	},

	{
		Op: opAck, Action: actionDrop, Does: "relays a message and loses its ack",
		Client:    "does not call it failed: sends it again under the same id after a reconnect",
		Whatsmeow: "SendMessage waits 75 s; if the connection drops meanwhile, it sends the same frame again and then waits as long as its context lives",
	},
	{
		Op: opAck, Action: actionDelay, Does: "relays a message and sends its ack after delayMs", Client: "waits",
		Whatsmeow: "SendMessage waits, and all other sends of the client behind it",
	},
	{
		Op: opAck, Action: actionNack, OtherCodes: true,
		Does: "refuses a message with the code and does not relay it", Client: "tells the reason; 463, 479 and 429 are of the account, not of the message",
		Whatsmeow: "SendMessage fails with \"server returned error\" and the code, which nothing interprets",
	},
	{
		Op: opAck, Action: actionDuplicate, Does: "acknowledges a message twice", Client: "ignores the second ack",
		Whatsmeow: "ignores the second ack",
	},
	{
		Op: opAck, Action: actionMalformed, Does: "acknowledges a message with a wrong hash of the device list", Client: "asks for the list again",
		Whatsmeow: "forgets the recipient's device list: the next send asks for it again",
	},

	{
		Op: opMessage, Action: actionDrop, Does: "loses a message on its way; it comes again at the next login", Client: "nothing: it cannot know",
		Whatsmeow: "Message after the next login",
	},
	{
		Op: opMessage, Action: actionDelay, Does: "delivers a message delayMs later", Client: "takes it, and orders by time",
		Whatsmeow: "Message, after those sent later",
	},
	{
		Op: opMessage, Action: actionDuplicate, Does: "delivers a message twice", Client: "shows it once, confirms it twice",
		Whatsmeow: "one Message; both are confirmed, as the second one's counter is known",
	},
	{
		Op: opMessage, Action: actionReorder, Does: "holds a message back until the next one has gone", Client: "takes both, and orders by time",
		Whatsmeow: "a Message for each, in the order of arrival",
	},
	{
		Op: opMessage, Action: actionTruncate, Does: "delivers a message without its id; it comes again, whole, at the next login", Client: "does not confirm what it cannot name",
		Whatsmeow: "a warning in its log and an ack with error 487; Message after the next login",
	},
	{
		Op: opMessage, Action: actionMalformed, Does: "damages a message's ciphertext", Client: "asks the sender for it again",
		Whatsmeow: "UndecryptableMessage and a retry receipt; the Message comes with the sender's answer",
	},

	{
		Op: opReceipt, Action: actionDrop, Does: "loses a receipt on its way; it comes again at the next login", Client: "nothing: it cannot know",
		Whatsmeow: "Receipt after the next login",
	},
	{
		Op: opReceipt, Action: actionDelay, Does: "delivers a receipt delayMs later", Client: "takes it",
		Whatsmeow: "Receipt, later",
	},
	{
		Op: opReceipt, Action: actionDuplicate, Does: "delivers a receipt twice", Client: "counts it once",
		Whatsmeow: "two equal Receipts",
	},
	{
		Op: opReceipt, Action: actionReorder, Does: "holds a receipt back until the next one has gone", Client: "never falls back from read to delivered",
		Whatsmeow: "a Receipt for each, in the order of arrival",
	},

	{
		Op: opUpload, Action: actionError, OtherCodes: true,
		Does: "refuses a file with the HTTP status, having read it", Client: "tries again if the status says so; asks for new auth at 401",
		Whatsmeow: "Upload fails with \"upload failed with status code\", and is not tried again",
	},
	{
		Op: opUpload, Action: actionDelay, Does: "answers an upload after delayMs", Client: "waits, within its patience",
		Whatsmeow: "Upload waits",
	},
	{
		Op: opUpload, Action: actionSlow, Does: "waits for delayMs before each 16 KiB that it reads", Client: "works, later",
		Whatsmeow: "works, later",
	},
	{
		Op: opUpload, Action: actionClose, Does: "takes a file and cuts the connection in the place of an answer", Client: "tries again",
		Whatsmeow: "Upload fails: the request has no response",
	},
	{
		Op: opUpload, Action: actionTruncate, Does: "cuts the connection in the midst of a file", Client: "tries again",
		Whatsmeow: "Upload fails: the request has no response",
	},
	{
		Op: opUpload, Action: actionHalfOpen, Does: "never answers an upload", Client: "gives up after a while and tries again",
		Whatsmeow: "Upload has no patience of its own: it waits until its context ends",
	},
	{
		Op: opUpload, Action: actionMalformed, Codes: []int{1},
		Does: "answers an upload with what is no JSON", Client: "fails the upload",
		Whatsmeow: "Upload fails: the answer does not parse",
	},
	{
		Op: opUpload, Action: actionMalformed, Codes: []int{2},
		Does: "keeps a file with one bit turned, and says nothing", Client: "nothing: it cannot know; who downloads the file does",
		Whatsmeow: "Upload succeeds; Download fails with ErrInvalidMediaEncSHA256",
	},

	{
		Op: opDownload, Action: actionError, Codes: []int{403, 404, 410},
		Does: "refuses a download: the file is no longer there", Client: "asks the sender's phone to upload it again",
		Whatsmeow: "Download fails with ErrMediaDownloadFailedWith403, 404 or 410, and asks no other host",
	},
	{
		Op: opDownload, Action: actionError, Codes: []int{429, 502, 503, 504},
		Does: "refuses a download for now", Client: "tries again, later each time",
		Whatsmeow: "Download tries each host five times, 1, 2, 3… s apart",
	},
	{
		Op: opDownload, Action: actionError, OtherCodes: true,
		Does: "refuses a download with the HTTP status", Client: "tries another host",
		Whatsmeow: "Download tries the next host at once; it fails with the last one's status",
	},
	{
		Op: opDownload, Action: actionDelay, Does: "answers a download after delayMs", Client: "waits, within its patience",
		Whatsmeow: "Download waits",
	},
	{
		Op: opDownload, Action: actionSlow, Does: "waits for delayMs before each 16 KiB that it sends", Client: "works, later; gives up what gets nowhere",
		Whatsmeow: "works, later",
	},
	{
		Op: opDownload, Action: actionClose, Does: "cuts the connection in the place of an answer", Client: "tries again",
		Whatsmeow: "Download tries again as at 503, if Go's HTTP client has not done so at once",
	},
	{
		Op: opDownload, Action: actionTruncate, Does: "sends half a file and cuts the connection", Client: "tries again",
		Whatsmeow: "Download tries the next host at once; it fails with an unexpected EOF at the last one",
	},
	{
		Op: opDownload, Action: actionHalfOpen, Does: "never answers a download", Client: "gives up after a while and tries again",
		Whatsmeow: "Download has no patience of its own: it waits until its context ends",
	},
	{
		Op: opDownload, Action: actionMalformed, Codes: []int{1},
		Does: "sends a file with one bit turned", Client: "trusts none of it, and tries another host",
		Whatsmeow: "Download tries the next host at once; it fails with ErrInvalidMediaEncSHA256 at the last one",
	},
	{
		Op: opDownload, Action: actionMalformed, Codes: []int{2},
		Does: "sends an empty file", Client: "tries another host",
		Whatsmeow: "Download tries the next host at once; it fails with ErrTooShortFile at the last one",
	},

	{
		Op: opClock, Action: actionSkew, Does: "shifts the time on every stanza by delayMs, which may be negative", Client: "shows the service's time",
		Whatsmeow: "takes it as it is: timestamps of messages, receipts and sends are shifted",
	},
}
