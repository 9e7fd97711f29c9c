package configs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/joho/godotenv"
)

// readDotenv returns the variables of the file at path; none if it does not exist.
func readDotenv(path string) (map[string]string, []Problem) {
	source, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]string{}, nil
	}
	if err != nil {
		return map[string]string{}, []Problem{{Variable: path, Reason: "cannot be read: " + err.Error()}}
	}
	variables, ok := parseDotenv(source)
	if !ok {
		return map[string]string{}, []Problem{{Variable: path, Reason: malformed(source)}}
	}
	return variables, nil
}

// parseDotenv reports whether source can be read. The parser's own error quotes
// the rest of the file, secrets included, and is therefore dropped. A line
// without an equals sign is no error to it, but a variable without a name.
func parseDotenv(source []byte) (map[string]string, bool) {
	variables, err := godotenv.UnmarshalBytes(source)
	if err != nil {
		return nil, false
	}
	_, nameless := variables[""]
	return variables, !nameless
}

// malformed says where a file that cannot be read goes wrong: after the longest
// run of lines that can.
func malformed(source []byte) string {
	lines := bytes.SplitAfter(source, []byte("\n"))
	readable := len(lines) - 1
	for ; readable > 0; readable-- {
		if _, ok := parseDotenv(bytes.Join(lines[:readable], nil)); ok {
			break
		}
	}
	return fmt.Sprintf("line %d must be NAME=value, a comment or blank, and a quote that it opens must be closed", readable+1)
}
