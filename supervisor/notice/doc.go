// Package notice lets nodes tell each other over Redis that something in the storage has
// changed, so that they look at once. A word that is lost costs time alone: they look by
// themselves now and then.
package notice
