package ownershiptest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/supervisor/ownership"
)

// Join has a node of this name join the registry of the test. The test closes it.
type Join func(t testing.TB, name string) ownership.Owner

// account is that of all tests with one.
const account = "31600000001"

// RunAlone tests a node without others beside it.
func RunAlone(t *testing.T, join Join) {
	for name, test := range map[string]func(t *testing.T, owner ownership.Owner){
		"it knows itself":                  testKnowsItself,
		"it may act under its session":     testValid,
		"a claim can be made and repeated": testClaim,
		"it finds its account":             testLocate,
		"it is cordoned":                   testCordon,
		"what was released can be claimed": testReleaseAndClaim,
		"after its end it owns nothing":    testClosed,
	} {
		t.Run(name, func(t *testing.T) {
			owner := join(t, "one")
			closeAfter(t, owner)
			test(t, owner)
		})
	}
}

// closeAfter closes a node after the test, if that hasn't.
func closeAfter(t *testing.T, owner ownership.Owner) {
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() { require.NoError(t, owner.Close(ctx)) })
}

func testKnowsItself(t *testing.T, owner ownership.Owner) {
	self := owner.Self()
	require.Equal(t, "one", self.Name)
	require.NotEmpty(t, self.Session)
	require.NotZero(t, self.Since)
	require.Positive(t, self.Weight)
	require.Len(t, owner.Nodes(), 1)
	require.Equal(t, self.Session, owner.Nodes()[0].Session)
}

func testValid(t *testing.T, owner ownership.Owner) {
	require.NoError(t, owner.Valid(owner.Self().Session))
	require.ErrorIs(t, owner.Valid("01JDMZZZZZZZZZZZZZZZZZZZZZ"), ownership.ErrLost)
	require.ErrorIs(t, owner.Valid(""), ownership.ErrLost)
}

func testClaim(t *testing.T, owner ownership.Owner) {
	for generation := range uint64(3) {
		claim, err := owner.Claim(t.Context(), account)
		require.NoError(t, err)
		require.Equal(t, account, claim.Account)
		require.Equal(t, owner.Self().Session, claim.Session)
		require.LessOrEqual(t, claim.Floor, generation)
		require.NoError(t, owner.Confirm(t.Context(), claim, generation+1))
	}
	require.ErrorIs(t, owner.Confirm(t.Context(), ownership.Claim{Account: account, Session: "before"}, 9), ownership.ErrLost)
}

func testLocate(t *testing.T, owner ownership.Owner) {
	_, err := owner.Claim(t.Context(), account)
	require.NoError(t, err)
	node, found, err := owner.Locate(t.Context(), account)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, owner.Self(), node)
}

func testCordon(t *testing.T, owner ownership.Owner) {
	require.NoError(t, owner.Cordon(t.Context(), true, true))
	require.True(t, owner.Self().Cordoned)
	require.True(t, owner.Self().Draining)
	require.NoError(t, owner.Cordon(t.Context(), false, false))
	require.False(t, owner.Self().Cordoned)
	require.False(t, owner.Self().Draining)
}

func testReleaseAndClaim(t *testing.T, owner ownership.Owner) {
	for range 2 {
		require.NoError(t, owner.Release(t.Context(), account))
		require.NoError(t, owner.Forget(t.Context(), account))
		_, err := owner.Claim(t.Context(), account)
		require.NoError(t, err)
	}
}

func testClosed(t *testing.T, owner ownership.Owner) {
	claim, err := owner.Claim(t.Context(), account)
	require.NoError(t, err)
	require.NoError(t, owner.Close(t.Context()))
	require.ErrorIs(t, owner.Valid(claim.Session), ownership.ErrLost)
	require.ErrorIs(t, owner.Confirm(t.Context(), claim, 1), ownership.ErrLost)
	_, err = owner.Claim(t.Context(), account)
	require.ErrorIs(t, err, ownership.ErrLost)
	require.NoError(t, owner.Close(t.Context()), "closing again")
}
