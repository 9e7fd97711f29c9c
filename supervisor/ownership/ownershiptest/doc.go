// Package ownershiptest tests what an [ownership.Owner] promises, whichever it is.
package ownershiptest
