// Package httpapi is the edge: it turns REST requests into commands for accounts,
// and their replies and refusals into JSON, and it streams the events of accounts
// over WebSockets.
//
// What is promised:
//   - Every answer is one of two envelopes, {"success":true,"data":{…}} or
//     {"success":false,"error":{"code","message","details","requestId"}}, whatever
//     went wrong: an unknown path, a request that is no HTTP, a panic. The QR code
//     as a picture and the specification are the exceptions.
//   - One table gives each code its status. What belongs to the server's side
//     (5xx) tells its code, a fixed sentence and the request id; the cause is in the
//     log under that id.
//   - Unknown fields and query parameters are refused by name, and so is whatever
//     else is not as the specification says, before any account hears of it.
//   - The specification at /openapi.json is made of the routes themselves.
//   - No request waits for ever: each has a deadline, and the account sees it.
//
// # Streams
//
// A WebSocket is opened at /ws, or at / of the port for WebSockets alone, under
// the same rules as every request; a client that cannot set headers offers the
// protocols "bearer" and its key, or ?ticket= with what createTicket gave. Every frame is one JSON text:
//
//	{"event":"message","id":"<cursor>","time":"…","data":{"clientId":"31612345678",…}}
//
// An event with an id is in the account's log, and the id is the cursor to go on
// from. One without is told once, to those who listen.
//
// Without a query, and until the client's first subscribe frame, a socket hears
// all accounts, also later ones. ?accountNumber=, ?events= and ?since= select; so
// does the frame
//
//	{"action":"subscribe","accounts":{"316…":"<cursor>","317…":"latest"},"events":["message"]}
//
// with "*" in place of the object for all accounts, and {"action":"unsubscribe",
// "accounts":["316…"]} or "*" takes it back. An account that is named is heard as
// it was named, whatever "*" says. These frames answer, with account in their data:
//
//	subscribed      events after the cursor from follow; the newest there is is head
//	caught-up       what was in the log has been told, and live events follow
//	cursor-expired  the log does not go back to the cursor, or is another one, and
//	                nothing is subscribed; all that is kept comes after oldest
//	unsubscribed    no more of it
//	error           a refusal, as in the envelope of REST; the socket stays open
//
// A frame asks for any operation of the specification that is answered in JSON,
//
//	{"id":"7","action":"sendMessage","accountNumber":"316…","arguments":{…},"progress":true}
//
// whose handler is the one that HTTP has; [Server.Run] says where the arguments go.
// It is answered by reply {id, status, success, data or error}; with progress, what was
// accepted (202) is followed by progress {id, done, event} until it is done. Commands
// run beside each other, in no order, and end with the socket; what an account has
// accepted goes on.
//
// A subscription begins with what the account is at the moment: a connection-state
// whose previous is empty, the qr that is showing, and ready if it is. They have no
// id. The state may be ahead of the first events after it; the last one told is
// the true one. From then on:
//
//   - A named account's events come in the order of its log, each once, none left
//     out, whatever its cursor was and however often the client comes back.
//   - Nothing is told before it is durable, except for what has no id.
//   - A client that does not keep up is closed rather than left without some
//     events. What waits for it is bounded in number and bytes.
//
// Closes tell whether to come back:
//
//	1001  the server shuts down: come back with the last cursor, perhaps elsewhere
//	1003  the client sent a binary frame: do not repeat it
//	1007  the client sent text that is not UTF-8: do not repeat it
//	1008  the key was revoked, changed or has expired: come back with one that is valid
//	1009  the client sent a frame of more than 64 KB: do not repeat it
//	1011  the server made a mistake: come back with the last cursor, once
//	1013  too slow a reader, too many sockets, or a log that cannot be read now:
//	      come back in a moment with the last cursor
//	1006  (no close frame) no answer to pings for a minute, or nothing taken for
//	      10 s: come back with the last cursor
//
// # Other nodes
//
// Where accounts live on several nodes, every request about one is answered by its
// node, and a stream has the events of all. Each node opens a WebSocket to each other
// at /nodes/events, on the port for nodes, and puts what comes into its own feed: lines
// of JSON, an event with its account each. What is in the log has its place by number
// wherever it comes from; a gap is read from the log, which all nodes share. So that
// none goes unseen, a node tells at first how far its logs are, and a link that is lost
// has the logs looked at of those accounts that it told of.
//
// # What it does not do
//
// The package keeps no state of accounts, limits no rates, and does not serve
// TLS. A load balancer in front is expected where the network is not trusted.
package httpapi
