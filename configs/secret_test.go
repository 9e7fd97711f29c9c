package configs

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

const hush = "hush-hush"

func TestSecretIsMaskedUnderEveryVerbAndEncoding(t *testing.T) {
	t.Parallel()
	c, err := Load([]string{"API_KEY=" + hush}, "")
	require.NoError(t, err)
	require.Equal(t, hush, c.HTTP.APIKey.Reveal())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%T %[1]v"} {
		require.NotContains(t, fmt.Sprintf(verb, c.HTTP.APIKey), hush, verb)
		require.NotContains(t, fmt.Sprintf(verb, c), hush, verb)
	}
	encoded, err := json.Marshal(c)
	require.NoError(t, err)
	require.NotContains(t, string(encoded), hush)
	require.Contains(t, string(encoded), `"APIKey":"***"`)
}

func TestSecretIsMaskedInLogs(t *testing.T) {
	t.Parallel()
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	core, logs := observer.New(zap.DebugLevel)
	zap.New(core).Info("starting", zap.Any("key", Secret(hush)), zap.Stringer("again", Secret(hush)))
	line, err := encoder.EncodeEntry(logs.All()[0].Entry, logs.All()[0].Context)
	require.NoError(t, err)
	require.NotContains(t, line.String(), hush)
}

func TestUnsetSecretPrintsNothing(t *testing.T) {
	t.Parallel()
	require.Empty(t, fmt.Sprint(Secret("")))
}

func TestNoRefusalShowsASecret(t *testing.T) {
	t.Parallel()
	_, err := Load([]string{
		"API_KEY= " + hush, "HOST=0.0.0.0", "PORT=x", "WA_ENDPOINT=wss://me:" + hush + "@sim.example.com",
		"CORS_ORIGINS=https://me:" + hush + "@a.example",
	}, dotenv(t, "API_KEY="+hush+"\nWA_BROWSER_NAME=\"never closed\nWA_VERSION="+hush+"\n"))
	require.Error(t, err)
	require.NotContains(t, err.Error(), hush)
}
