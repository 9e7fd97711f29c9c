package simulator_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// faultTests show, for each row of the catalogue, what whatsmeow does.
var faultTests = map[string]func(*testing.T){
	"connection close":               connectionClose,
	"connection stream_error 401":    connectionRemoved,
	"connection stream_error 409":    connectionReplaced,
	"connection stream_error 503":    connectionUnavailable,
	"connection stream_error 515":    connectionRestart,
	"connection stream_error other":  connectionStreamError,
	"connection failure other":       connectionFailure,
	"connection half_open":           connectionHalfOpen,
	"connection malformed 1":         connectionMalformed,
	"connection malformed 2":         ends("connection malformed 2", "slice bounds out of range"),
	"connection malformed 3":         ends("connection malformed 3", "interface conversion"),
	"connection truncate":            connectionTruncate,
	"connection slow":                connectionSlow,
	"upgrade error other":            upgradeError,
	"upgrade close":                  upgradeClose,
	"upgrade delay":                  upgradeDelay,
	"upgrade half_open":              upgradeHalfOpen,
	"upgrade malformed 1":            upgradeMalformed(1, "failed to decrypt"),
	"upgrade malformed 2":            upgradeMalformed(2, "failed to verify intermediate cert signature"),
	"upgrade malformed 3":            upgradeMalformed(3, "certificate expired"),
	"upgrade truncate":               upgradeTruncate,
	"pairing malformed":              pairingMalformed,
	"pairing drop":                   pairingDrop,
	"pairing truncate":               ends("pairing truncate", "interface conversion"),
	"login close":                    loginClose,
	"login stream_error other":       loginStreamError,
	"login failure 401 403 406":      loginLoggedOut,
	"login failure 402":              loginBanned,
	"login failure 405":              loginOutdated,
	"login failure 413 414":          ends("login failure 413 414", "nil pointer"),
	"login failure 500 503":          loginUnavailable,
	"login failure other":            loginFailure,
	"login delay":                    loginDelay,
	"login half_open":                loginHalfOpen,
	"iq error other":                 iqError,
	"iq drop":                        iqDrop,
	"iq delay":                       iqDelay,
	"iq malformed":                   iqMalformed,
	"ping drop":                      pingLost(simulator.Fault{Op: "ping", Action: "drop", Times: 1}),
	"ping delay":                     pingLost(simulator.Fault{Op: "ping", Action: "delay", Delay: pingTooLate, Times: 1}),
	"ack drop":                       ackDrop,
	"ack delay":                      ackDelay,
	"ack nack other":                 ackNack,
	"ack duplicate":                  ackDuplicate,
	"ack malformed":                  ackMalformed,
	"message drop":                   messageDrop,
	"message delay":                  messageDelay,
	"message duplicate":              messageDuplicate,
	"message reorder":                messageReorder,
	"message malformed":              messageMalformed,
	"receipt drop":                   receiptDrop,
	"receipt delay":                  receiptDelay,
	"receipt duplicate":              receiptDuplicate,
	"receipt reorder":                receiptReorder,
	"clock skew":                     clockSkew,
	"message truncate":               messageTruncate,
	"upload error other":             uploadFails(simulator.Fault{Action: "error", Code: 507}, "upload failed with status code 507"),
	"upload delay":                   uploadDelay,
	"upload slow":                    uploadSlow,
	"upload close":                   uploadFails(simulator.Fault{Action: "close"}, "failed to execute request"),
	"upload truncate":                uploadFails(simulator.Fault{Action: "truncate"}, "failed to execute request"),
	"upload half_open":               uploadHalfOpen,
	"upload malformed 1":             uploadFails(simulator.Fault{Action: "malformed", Code: 1}, "failed to parse upload response"),
	"upload malformed 2":             uploadDamaged,
	"download error 403 404 410":     downloadGone,
	"download error 429 502 503 504": downloadRetried(simulator.Fault{Action: "error", Code: 503}),
	"download error other":           downloadElsewhere(simulator.Fault{Action: "error", Code: 507}, "507"),
	"download delay":                 downloadDelay,
	"download slow":                  downloadSlow,
	"download close":                 downloadRetried(simulator.Fault{Action: "close"}),
	"download truncate":              downloadElsewhere(simulator.Fault{Action: "truncate"}, "unexpected EOF"),
	"download half_open":             downloadHalfOpen,
	"download malformed 1":           downloadElsewhere(simulator.Fault{Action: "malformed", Code: 1}, whatsmeow.ErrInvalidMediaEncSHA256.Error()),
	"download malformed 2":           downloadElsewhere(simulator.Fault{Action: "malformed", Code: 2}, whatsmeow.ErrTooShortFile.Error()),
}

// victims provoke what ends the process, and wait for it.
var victims = map[string]func(*testing.T){
	"connection malformed 2": func(t *testing.T) { strikeAndWait(t, 2) },
	"connection malformed 3": func(t *testing.T) { strikeAndWait(t, 3) },
	"pairing truncate":       pairingTruncate,
	"login failure 413 414":  loginTokenInvalid,
}

// victimVariable names the victim to a process that is to end.
const victimVariable = "SIMULATOR_TEST_VICTIM"

func TestVictim(t *testing.T) {
	name := os.Getenv(victimVariable)
	if name == "" {
		t.Skip("runs in a process of its own")
	}
	victims[name](t)
}

// ends shows that a fault ends whatsmeow's process, with a panic of which the words are told.
func ends(name, words string) func(*testing.T) {
	return func(t *testing.T) {
		command := exec.CommandContext(within(t), os.Args[0], "-test.run=^TestVictim$")
		command.Env = append(os.Environ(), victimVariable+"="+name)
		printed, err := command.CombinedOutput()
		require.Error(t, err)
		_, panicked, found := strings.Cut(string(printed), "panic: ")
		require.True(t, found, string(printed))
		require.Contains(t, panicked, words)
		require.Contains(t, panicked, "go.mau.fi/whatsmeow")
	}
}

func TestFaultsThatDoNotExistAreRefused(t *testing.T) {
	sim := simulatortest.Start(t)
	for name, f := range map[string]simulator.Fault{
		"op":          {Op: "weather", Action: "drop"},
		"action":      {Op: "ack", Action: "close"},
		"code":        {Op: "ack", Action: "nack"},
		"code 4":      {Op: "connection", Action: "malformed", Code: 4},
		"code 200":    {Op: "upgrade", Action: "error", Code: 200},
		"delay":       {Op: "ack", Action: "delay"},
		"negative":    {Op: "ack", Action: "delay", Delay: -1},
		"probability": {Op: "ack", Action: "drop", Probability: 2},
		"request":     {Op: "ack", Action: "drop", Request: "usync"},
	} {
		_, err := sim.AddFault(f)
		require.ErrorIs(t, err, simulator.ErrBadFault, name)
		require.ErrorContains(t, err, name)
	}
}

func TestTheCatalogueIsServed(t *testing.T) {
	sim := simulatortest.Start(t)
	served := call[[]simulator.FaultKind](t, sim, http.MethodGet, "/faults/catalog", "", http.StatusOK)
	require.Equal(t, simulator.FaultCatalog(), served)
	for _, kind := range served {
		code := 429
		if len(kind.Codes) > 0 {
			code = kind.Codes[0]
		} else if !kind.OtherCodes {
			code = 0
		}
		body, err := json.Marshal(map[string]any{"op": kind.Op, "action": kind.Action, "code": code, "delayMs": 1})
		require.NoError(t, err)
		call[any](t, sim, http.MethodPost, "/faults", string(body), http.StatusCreated)
	}
}
