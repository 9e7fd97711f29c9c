package configs

import (
	"errors"
	"fmt"

	"github.com/go-playground/validator/v10"
)

// Validate checks every rule, those between variables included. It reads
// WA_ENDPOINT_CA_FILE. The error, if any, is an [*InvalidError].
func (c *Config) Validate() error { return asError(c.problems()) }

// problems returns what is wrong, the rules of single variables first.
func (c *Config) problems() []Problem {
	var problems []Problem
	for _, section := range c.sections() {
		problems = append(problems, check(section)...)
	}
	problems = append(problems, c.HTTP.problems()...)
	problems = append(problems, c.Admin.problems(&c.HTTP)...)
	problems = append(problems, c.Redis.problems()...)
	problems = append(problems, c.Postgres.problems()...)
	problems = append(problems, c.MongoDB.problems()...)
	problems = append(problems, c.Cluster.problems(c.Storage.Type)...)
	problems = append(problems, c.Encryption.problems(c.Env.Name, c.Storage.Type, c.Cluster.Enabled())...)
	problems = append(problems, c.Sinks.problems()...)
	return append(problems, c.WhatsApp.problems()...)
}

var tagRules = validator.New()

// check applies the rules that the section's tags declare.
func check(section any) []Problem {
	var broken validator.ValidationErrors
	if !errors.As(tagRules.Struct(section), &broken) {
		return nil
	}
	problems := make([]Problem, len(broken))
	for i, rule := range broken {
		problems[i] = variableOf(section, rule.StructField()).problem(fmt.Sprint(rule.Value()))
	}
	return problems
}
