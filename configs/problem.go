package configs

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with the configuration.
type Problem struct {
	Variable string // the name of the environment variable, or the path of the .env file
	Value    string // as it was given; empty for a secret and for what was not given
	Reason   string // what is allowed instead
}

// String returns the problem as one line. A value with an @ may be a URL that
// carries a password, and is left out.
func (p Problem) String() string {
	if p.Value == "" || strings.Contains(p.Value, "@") {
		return p.Variable + ": " + p.Reason
	}
	return fmt.Sprintf("%s=%q: %s", p.Variable, p.Value, p.Reason)
}

// InvalidError says that the process cannot run with the configuration it was
// given, and tells all that is wrong with it. Commands exit with status 2.
type InvalidError struct {
	Problems []Problem // at least one, at most one per variable
}

// Error returns a headline and a line for each problem.
func (e *InvalidError) Error() string {
	var text strings.Builder
	text.WriteString("invalid configuration:")
	for _, p := range e.Problems {
		text.WriteString("\n  " + p.String())
	}
	return text.String()
}

// asError returns an [*InvalidError] with the first problem of each variable,
// or nil if there is none. The first is the most basic one, since a value that
// could not be read also breaks the rules that look at it afterwards.
func asError(problems []Problem) error {
	var told []Problem
	for _, p := range problems {
		if !slices.ContainsFunc(told, func(t Problem) bool { return t.Variable == p.Variable }) {
			told = append(told, p)
		}
	}
	if len(told) == 0 {
		return nil
	}
	return &InvalidError{Problems: told}
}
