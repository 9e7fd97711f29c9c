package configs

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var secretKey = []byte("an operator's key of 32 bytes \xFB\xFF")

func TestAKeyIsReadInAnyUsualForm(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		hex.EncodeToString(secretKey), strings.ToUpper(hex.EncodeToString(secretKey)),
		base64.StdEncoding.EncodeToString(secretKey), base64.RawStdEncoding.EncodeToString(secretKey),
		base64.URLEncoding.EncodeToString(secretKey), base64.RawURLEncoding.EncodeToString(secretKey) + "\n",
	} {
		c, err := Load([]string{"ENCRYPTION_KEY=" + text}, "")
		require.NoError(t, err)
		require.Equal(t, secretKey, []byte(c.Encryption.Key))
	}
}

func TestAKeyOfAnotherSizeIsRefusedWithoutBeingShown(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"hush-hush", hex.EncodeToString(secretKey[1:]), base64.StdEncoding.EncodeToString(append(secretKey, 1))} {
		_, err := Load([]string{"ENCRYPTION_KEY=" + text}, "")
		require.EqualError(t, err, "invalid configuration:\n  ENCRYPTION_KEY: must be 32 bytes in base64 or as 64 hexadecimal digits, or empty")
	}
}

func TestAKeyIsMaskedUnderEveryVerbAndEncoding(t *testing.T) {
	t.Parallel()
	c, err := Load([]string{"ENCRYPTION_KEY=" + hex.EncodeToString(secretKey)}, "")
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		for _, value := range []any{c.Encryption.Key, c} {
			text := fmt.Sprintf(verb, value)
			require.NotContains(t, text, string(secretKey), verb)
			require.NotContains(t, strings.ToLower(text), hex.EncodeToString(secretKey), verb)
			require.NotContains(t, text, "111 112 101", verb)
		}
	}
	encoded, err := json.Marshal(c)
	require.NoError(t, err)
	require.Contains(t, string(encoded), `"Key":"***"`)
	require.Empty(t, fmt.Sprint(Key(nil)))
}

func TestProductionNeedsAKeyWhereSomethingIsKept(t *testing.T) {
	t.Parallel()
	for _, storage := range []string{SQLiteStorage, FileStorage, RedisStorage, PostgresStorage, MongoDBStorage} {
		production := []string{"NODE_ENV=production", "STORAGE_TYPE=" + storage}
		require.Equal(t, []string{"ENCRYPTION_KEY"}, variablesOf(t, production))
		require.Empty(t, variablesOf(t, append(production, "ENCRYPTION_KEY="+hex.EncodeToString(secretKey))))
		require.Empty(t, variablesOf(t, append(production, "ENCRYPTION_KEY_FILE=key")))
		require.Empty(t, variablesOf(t, []string{"STORAGE_TYPE=" + storage}))
	}
	require.Empty(t, variablesOf(t, []string{"NODE_ENV=production", "STORAGE_TYPE=memory"}))
}
