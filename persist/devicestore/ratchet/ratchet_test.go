package ratchet_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/libsignal/serialize"

	"whatsapp-web-server/persist/devicestore/ratchet"
)

// What Mend is for is tested where there are devices: in devicestore.

func FuzzWhatCannotBeParsedIsLeftAsItIs(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"PreviousStates":[{}]}`, `{"SessionState":{},"PreviousStates":[null,{}]}`, "\x0a\x00\x12\x00"} {
		f.Add([]byte(seed), []byte(seed))
		f.Add([]byte{}, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, before, after []byte) {
		mended := ratchet.Mend(before, after, serialize.NewProtoBufSerializer())
		if len(before) == 0 {
			require.Equal(t, after, mended)
		}
	})
}
