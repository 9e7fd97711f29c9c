package simulator

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPaddingOfAnyLengthIsTakenOff(t *testing.T) {
	for _, n := range []int{1, 15, 16, 255} {
		body, err := unpad(append([]byte("words"), bytes.Repeat([]byte{byte(n)}, n)...))
		require.NoError(t, err)
		require.Equal(t, "words", string(body))
	}
	for _, bad := range [][]byte{nil, {0}, {2}, {1, 3, 3}} {
		_, err := unpad(bad)
		require.ErrorIs(t, err, errPadding)
	}
}
