package actors

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnyNumberAskedForAtTheStartIsAdmitted(t *testing.T) {
	newLodging(t).live(t, func(account *Account, ref *Ref) {
		_, err := Ask[Status](t.Context(), ref, Start{})
		require.NoError(t, err)
		require.True(t, account.admit(own, "", ""))
		require.False(t, account.admit(ann, "", ""), "the phone of another number")
		_, err = Ask[Status](t.Context(), ref, Start{AnyNumber: true})
		require.NoError(t, err)
		require.True(t, account.admit(ann, "", ""))
	})
}
