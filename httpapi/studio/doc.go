// Package studio is a browser on the records of any storage, for people: accounts,
// their tables, and rows by page.
//
// What is promised:
//   - It changes no record. Opening a storage does bring its schema up to date.
//   - Nothing that is secret is shown: of a secret column, and of any bytes outside of
//     a key, there is the length alone.
//   - Requests that do not name a loopback host are refused. There is no key: who
//     reaches the address may read messages.
//   - It holds the storage for as long as a page is made. Where a server owns a storage
//     alone, the page says so instead.
package studio
