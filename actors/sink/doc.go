// Package sink brings the events of accounts to message brokers: NATS JetStream,
// RabbitMQ and Redis Streams.
//
// What is promised:
//   - A broker gets every event that accounts keep, at least once, and those of one
//     account in their order. The place in an account's log moves when the broker has
//     acknowledged what is before it; after a crash on either side a few come again.
//   - An event carries the same id each time, the cursor that WebSockets and webhooks
//     have for it, by which those that come again are recognised; and it is the same
//     JSON object that they get.
//   - While a broker is away nothing is lost that the logs keep, which is three days at
//     least: it is tried again at growing intervals, and gets what has happened
//     meanwhile from there. Accounts, and other brokers, notice nothing.
//   - Nothing is asked of an operator but the address: streams and exchanges that are
//     missing are made. Those that are there are left as they are.
//
// What is not: which limits a broker has, and whether it writes to disk before it
// acknowledges, is its own matter.
package sink
