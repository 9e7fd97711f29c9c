// Package memory is the reference engine: it keeps everything in ordered trees
// and nothing beyond the process. Tests and demonstrations use it; it is as
// strict as the strictest of the others, so that what passes here passes there.
package memory
