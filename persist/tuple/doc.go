// Package tuple writes keys and rows as bytes, for engines that know nothing
// else. Keys keep their order: the bytes of two keys of the same columns compare
// as the keys do, and those of a key's first columns begin the bytes of the whole.
// Rows are compact and keep no order. What is written here is on disks: the form
// never changes.
package tuple
