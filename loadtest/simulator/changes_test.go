package simulator

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAWatcherIsToldTheSameOnce(t *testing.T) {
	var c changes
	w, err := c.watch()
	require.NoError(t, err)
	for range 3 {
		c.tell(changedChat, "1")
		c.tell(changedPhone, "1")
	}
	require.Equal(t, []change{{changedChat, "1"}, {changedPhone, "1"}}, c.take(w))
	require.Empty(t, c.take(w))
	c.tell(changedChat, "1")
	require.Equal(t, []change{{changedChat, "1"}}, c.take(w))
}

func TestAWatcherThatLagsIsToldToLookAtEverything(t *testing.T) {
	var c changes
	w, err := c.watch()
	require.NoError(t, err)
	for i := range 3 * maxPendingChanges {
		c.tell(changedChat, strconv.Itoa(i))
	}
	require.Equal(t, []change{{kind: changedAll}}, c.take(w))
	c.tell(changedChat, "1")
	require.Equal(t, []change{{changedChat, "1"}}, c.take(w))
}

func TestWatchersHaveABound(t *testing.T) {
	var c changes
	first, err := c.watch()
	require.NoError(t, err)
	for range maxWatchers - 1 {
		_, err = c.watch()
		require.NoError(t, err)
	}
	_, err = c.watch()
	require.ErrorIs(t, err, errTooManyWatchers)
	c.unwatch(first)
	_, err = c.watch()
	require.NoError(t, err)
}
