// Package configs reads what the process is told from outside: environment
// variables and a .env file, which [Load] turns into one validated [Config].
//
// What is promised:
//   - The process environment wins over the .env file, and an empty value means
//     the default. Neither the process environment nor the file is changed.
//   - A Config returned without an error is sound as a whole, rules between
//     variables included. Otherwise the error is an [*InvalidError] that names
//     every problem at once: the variable, its value and what is allowed.
//   - The value of a secret appears in no message, whatever is wrong with it.
//
// What is not: unknown variables are ignored, nothing is read again after
// start, and the only files looked at are the .env file and WA_ENDPOINT_CA_FILE.
//
// The fields of each section say with their tags which variable they come from
// (env), its default (envDefault), the rule that is checked (validate) and the
// same rule in words (allowed). `.env.example` is held to them by a test.
//
// Only commands import this package. Every other package takes a small
// configuration of its own, so that none depends on the names of variables.
package configs
