package persisttest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

// enough is how many secrets of one column are looked for, in files of a hundred
// megabytes: what one of them is written by, all are.
const enough = 20

// shortest is how many bytes a secret has at least that is looked for: fewer may be
// somewhere by chance.
const shortest = 16

// Secrets collects what the accounts of an engine keep in columns that are secret,
// to look for it with [RequireSealed]. From JSON it takes what is in base64.
func Secrets(t testing.TB, engine persist.Scanner, accounts ...string) [][]byte {
	t.Helper()
	var found [][]byte
	taken := map[string]int{}
	EachRow(t, engine, accounts, func(table *persist.Table, row persist.Row) {
		for i, column := range table.Columns {
			if column.Secrecy != persist.Secret {
				continue
			}
			for _, secret := range parts(row[i]) {
				name := table.Name + "." + column.Name
				if taken[name]++; len(secret) >= shortest && taken[name] <= enough {
					found = append(found, secret)
				}
			}
		}
	})
	return found
}

// EachRow visits all that the accounts have.
func EachRow(t testing.TB, engine persist.Scanner, accounts []string, visit func(*persist.Table, persist.Row)) {
	t.Helper()
	for _, account := range accounts {
		for _, table := range persist.Tables() {
			if table.Level != persist.AccountScope(account).Level() {
				continue
			}
			q := persist.Query{Scope: persist.AccountScope(account), Table: table, Limit: 1_000_000}
			rows, err := engine.Scan(t.Context(), q)
			require.NoError(t, err)
			for _, row := range rows {
				visit(table, row)
			}
		}
	}
}

func parts(value any) [][]byte {
	blob, ok := value.([]byte)
	if ok {
		return [][]byte{blob}
	}
	text := value.(string)
	var tree any
	if json.Unmarshal([]byte(text), &tree) != nil {
		return [][]byte{[]byte(text)}
	}
	return leaves(tree)
}

func leaves(tree any) (found [][]byte) {
	switch node := tree.(type) {
	case string:
		if decoded, err := base64.StdEncoding.DecodeString(node); err == nil {
			found = append(found, decoded)
		}
	case []any:
		for _, child := range node {
			found = append(found, leaves(child)...)
		}
	case map[string]any:
		for _, child := range node {
			found = append(found, leaves(child)...)
		}
	}
	return found
}

// RequireSealed fails if one of the secrets is in a row of the accounts, as stored,
// or in one of the files: as it is, in base64 or in hexadecimal digits.
func RequireSealed(t testing.TB, stored persist.Scanner, accounts []string, secrets [][]byte, files ...string) {
	t.Helper()
	require.NotEmpty(t, secrets)
	var haystacks [][]byte
	EachRow(t, stored, accounts, func(_ *persist.Table, row persist.Row) {
		for _, value := range row {
			switch v := value.(type) {
			case string:
				haystacks = append(haystacks, []byte(v))
			case []byte:
				haystacks = append(haystacks, v)
			}
		}
	})
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		haystacks = append(haystacks, content)
	}
	haystack := bytes.Join(haystacks, []byte{'\n'})
	for _, secret := range secrets {
		for form, needle := range map[string][]byte{
			"as it is": secret, "in hexadecimal": []byte(hex.EncodeToString(secret)),
			"in base64": []byte(base64.RawStdEncoding.EncodeToString(secret)),
		} {
			if at := bytes.Index(haystack, needle); at >= 0 {
				t.Errorf("a secret of %d bytes lies open %s: %q", len(secret), form, haystack[max(0, at-40):at+len(needle)])
			}
		}
	}
}
