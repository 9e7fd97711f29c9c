package configs

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// Encryption is how keys and messages are sealed where they are stored.
type Encryption struct {
	// Key seals the data. Empty: that in KeyFile.
	Key Key `env:"ENCRYPTION_KEY" envDefault:"" allowed:"32 bytes in base64 or as 64 hexadecimal digits, or empty"`

	// KeyFile holds the key. Empty: encryption.key beside the data, or in ./db for
	// storage on a server.
	KeyFile string `env:"ENCRYPTION_KEY_FILE" envDefault:"" allowed:"the path of a file, or empty"`

	// OldKey is the key before Key; only rekeying reads it.
	OldKey Key `env:"ENCRYPTION_KEY_OLD" envDefault:"" allowed:"32 bytes in base64 or as 64 hexadecimal digits, or empty"`

	// Messages has the content of messages sealed too, and not searchable.
	Messages bool `env:"ENCRYPT_MESSAGES" envDefault:"false" allowed:"true or false"`
}

// problems asks for a key where none is made up: in production, and where other nodes
// would not have it.
func (e *Encryption) problems(name, storage string, clustered bool) []Problem {
	if storage == MemoryStorage || e.Key != nil || e.KeyFile != "" {
		return nil
	}
	const how = ", or ENCRYPTION_KEY_FILE: 32 bytes in base64, for example from `openssl rand -base64 32`"
	switch {
	case clustered:
		return []Problem{{"ENCRYPTION_KEY", "", "must be set with CLUSTER, the same on every node" + how}}
	case name == Production:
		return []Problem{{"ENCRYPTION_KEY", "", "must be set in production" + how}}
	default:
		return nil
	}
}

// Key is a secret key of 32 bytes, nil where none is set. Whatever prints, formats
// or encodes it gets ***.
type Key []byte

const keySize = 32

// UnmarshalText reads base64, of either alphabet, or hexadecimal digits.
func (k *Key) UnmarshalText(text []byte) error {
	decoded, err := decodeKey(string(bytes.TrimSpace(text)))
	if err != nil {
		return err
	}
	*k = decoded
	return nil
}

func decodeKey(text string) (Key, error) {
	for _, decode := range []func(string) ([]byte, error){
		hex.DecodeString,
		base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString,
		base64.URLEncoding.DecodeString, base64.RawURLEncoding.DecodeString,
	} {
		if key, err := decode(text); err == nil && len(key) == keySize {
			return key, nil
		}
	}
	return nil, errors.New("a key is 32 bytes in base64 or as 64 hexadecimal digits")
}

// String returns ***, or nothing where no key is set.
func (k Key) String() string {
	if k == nil {
		return ""
	}
	return masked
}

// Format masks under the verbs that bytes have too, such as %x.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// MarshalText masks in JSON and in structured logs.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
