// Package httpapi is the REST edge: it turns requests into commands for
// accounts, and their replies and refusals into JSON.
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
// What is not: the package keeps no state of accounts, limits no rates, and does
// not serve TLS. A load balancer in front is expected where the network is not
// trusted.
package httpapi
