package configs

import (
	"errors"
	"maps"
	"reflect"

	"github.com/caarlos0/env/v11"
)

// Load reads the configuration from environ, in the form of [os.Environ], over
// the file at dotenvPath, which need not exist ("" is none). The error, if any, is an
// [*InvalidError] and the configuration is then not to be used.
func Load(environ []string, dotenvPath string) (Config, error) {
	process := env.ToMap(environ)
	file, problems := readDotenv(dotenvPath)
	problems = append(problems, resolveAlias(process)...)
	problems = append(problems, resolveAlias(file)...)

	maps.Copy(file, process)
	delete(file, "") // "=C:" of Windows; the parser would take it for every field without a name
	var c Config
	for _, section := range c.sections() {
		problems = append(problems, parse(section, file)...)
	}
	if err := asError(append(problems, c.problems()...)); err != nil {
		return Config{}, err
	}
	return c, nil
}

// resolveAlias replaces APP_ENV by NODE_ENV within one source, so that the
// process environment wins over the .env file whichever of the two names each uses.
func resolveAlias(source map[string]string) []Problem {
	alias := source["APP_ENV"]
	delete(source, "APP_ENV")
	name := source["NODE_ENV"]
	if alias == "" || alias == name {
		return nil
	}
	if name != "" {
		return []Problem{{"APP_ENV", alias, "is an alias of NODE_ENV and must not differ from it, which is " + name}}
	}
	source["NODE_ENV"] = alias
	return nil
}

// parse fills a section from the variables.
func parse(section any, variables map[string]string) []Problem {
	var failures env.AggregateError
	if !errors.As(env.ParseWithOptions(section, env.Options{Environment: variables}), &failures) {
		return nil
	}
	var problems []Problem
	for _, failure := range failures.Errors {
		var field env.ParseError
		if !errors.As(failure, &field) {
			panic(failure) // a tag of a section that is itself malformed
		}
		v := variableOf(section, field.Name)
		problems = append(problems, v.problem(variables[v.name]))
	}
	return problems
}

// variable is what the tags of a field say about its environment variable.
type variable struct {
	name    string
	allowed string
	secret  bool
}

// variableOf returns the variable of the section's named field.
func variableOf(section any, field string) variable {
	f, _ := reflect.TypeOf(section).Elem().FieldByName(field)
	return variable{
		name:    f.Tag.Get("env"),
		allowed: f.Tag.Get("allowed"),
		secret:  f.Type == reflect.TypeFor[Secret]() || f.Type == reflect.TypeFor[Key](),
	}
}

// problem says that the variable has a value that is not allowed.
func (v variable) problem(value string) Problem {
	if v.secret {
		value = ""
	}
	return Problem{Variable: v.name, Value: value, Reason: "must be " + v.allowed}
}
