// Package redislimit counts what keys use of their rates in Redis, for all nodes of a
// cluster together.
package redislimit
