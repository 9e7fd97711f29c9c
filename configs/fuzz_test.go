package configs

import (
	"errors"
	"strings"
	"testing"
)

// Whatever stands in the file, Load answers with a sound configuration or with
// problems, and never quotes the key.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"", "PORT=3001\n", "export PORT=1\r\nHOST: ::1", "A=\"unclosed\nB='x'", "=x", "PORT", "\x00", "A=$A${B}$(C)\\$D",
		"WA_ENDPOINT=ws://[::1%25lo]:1/\nWA_NOISE_ROOT_KEY=zz", "CORS_ORIGINS=,,\nWA_VERSION=2..", "WA_CONNECTS_PER_SECOND=+Inf",
		"NODE_ENV=test\nAPP_ENV=production", "HOST=0.0.0.0\nALLOW_UNAUTHENTICATED=t",
	} {
		f.Add([]byte(seed))
	}
	const key = "do-not-quote-me"
	f.Fuzz(func(t *testing.T, source []byte) {
		variables, ok := parseDotenv(source)
		if !ok {
			if reason := malformed(source); reason == "" {
				t.Fatal("a file that cannot be read, and nothing to say about it")
			}
			return
		}
		delete(variables, "WA_ENDPOINT_CA_FILE") // would read files of whoever runs this
		if c, err := Load(environ(variables), ""); err == nil && c.Validate() != nil {
			t.Fatalf("loaded, yet invalid: %v", c.Validate())
		}
		variables["API_KEY"] = key + " "
		_, err := Load(environ(variables), "")
		var invalid *InvalidError
		if !errors.As(err, &invalid) || len(invalid.Problems) == 0 {
			t.Fatalf("a key with a space was accepted: %v", err)
		}
		if strings.Contains(err.Error(), key) {
			t.Fatalf("the key was quoted: %v", err)
		}
	})
}

// environ returns variables in the form of os.Environ.
func environ(variables map[string]string) []string {
	var list []string
	for name, value := range variables {
		list = append(list, name+"="+value)
	}
	return list
}
