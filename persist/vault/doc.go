// Package vault seals what must not lie open where data are kept: the columns that
// their kinds call secret (ratchets, private keys, what is to be sent), and those
// with content if the operator wants that. It wraps any engine and is one.
//
// # Keys
//
// A data key per installation seals the columns. It is kept in the storage itself
// ([persist.DataKeys]), wrapped by the operator's key, which is not. Another
// operator's key therefore costs one write ([Rewrap]); another data key has every
// sealed value written anew ([Rekey]), account by account. Until that is done both
// data keys are there, each value names its own, and a run that was killed goes on
// where it was: values sealed with the new key are left alone.
//
// # A sealed value
//
// It is XChaCha20-Poly1305 with a random nonce, and bound to its place: scope,
// table, key and column. Moved to another place, or changed, it does not open:
// reading it is [persist.ErrTampered], which concerns its account alone. In a
// column of text it is a JSON string, so that it fits where JSON is expected. An
// empty value has nothing to hide and is left as it is.
//
// # Values from before
//
// The first start with a key seals what is open, account by account, and then
// notes that nothing open is left ([persist.DataKey].Covers, which the wrapped key
// is bound to). From then on an open value in a sealed column is
// [persist.ErrTampered] as well. A new installation is strict from the beginning.
// The same happens to content when sealing it is switched on; switched off, what
// is sealed stays readable and new content is written open.
//
// # What is not promised
//
// Keys of records, names, times and sizes lie open, and who can write to the
// storage can delete, or put back an older value of the same place. Content that
// is sealed cannot be searched.
package vault
