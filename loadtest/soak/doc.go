// Package soak keeps a crowd of clients talking while things go wrong, and lets
// the simulator's referee judge what came of it. Its tests are short by default;
// with TEST_FULL=1 they last as long as a release wants.
package soak
