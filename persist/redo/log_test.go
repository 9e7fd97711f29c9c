package redo

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

const salt = 7

func batch(account string, n int64) []persist.Batch {
	return []persist.Batch{{Scope: persist.AccountScope(account), Mutations: []persist.Mutation{
		persist.Counters.Put(persist.Counter{Name: "n", Value: n}),
		persist.SignalSessions.Put(persist.SignalSession{Address: "peer", Session: []byte{byte(n), 0}}),
		persist.Counters.Remove("gone"),
	}}}
}

func open(t testing.TB, path string, applied uint64) *Log {
	t.Helper()
	l, err := Open(path, salt, applied)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func replayed(t testing.TB, l *Log) (all [][]persist.Batch) {
	t.Helper()
	require.NoError(t, l.Replay(func(batches []persist.Batch) error {
		all = append(all, batches)
		return nil
	}))
	return all
}

// written appends batches 1 to last, with a turn after each number in turns.
func written(t testing.TB, last int64, turns ...int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, path, 0)
	for n := int64(1); n <= last; n++ {
		require.NoError(t, l.Append(batch("4917", n)))
		for _, turn := range turns {
			if turn == n {
				require.NoError(t, l.Turn())
			}
		}
	}
	require.Equal(t, uint64(last), l.Last())
	return path
}

func TestWhatWasAppendedIsReplayedInOrder(t *testing.T) {
	path := written(t, 4, 2)
	require.Equal(t, [][]persist.Batch{batch("4917", 1), batch("4917", 2), batch("4917", 3), batch("4917", 4)},
		replayed(t, open(t, path, 0)))
	l := open(t, path, 3)
	require.Equal(t, [][]persist.Batch{batch("4917", 4)}, replayed(t, l))
	require.Equal(t, uint64(4), l.Last())
	require.Empty(t, replayed(t, open(t, path, 4)))
}

func TestFramesOfAnEarlierTurnAreOver(t *testing.T) {
	path := written(t, 5, 2, 4)
	require.Equal(t, [][]persist.Batch{batch("4917", 5)}, replayed(t, open(t, path, 4)))
	require.Empty(t, replayed(t, open(t, path, 1)), "what came next was overwritten: it had been applied")
}

func TestAppendingGoesOnWhereTheLastProcessStopped(t *testing.T) {
	path := written(t, 3)
	l := open(t, path, 0)
	require.Len(t, replayed(t, l), 3)
	require.NoError(t, l.Append(batch("4917", 4)))
	require.Equal(t, [][]persist.Batch{batch("4917", 4)}, replayed(t, open(t, path, 3)))
}

// TestCutAnywhereLosesTheLastFrameAlone tears the file as a crash may.
func TestCutAnywhereLosesTheLastFrameAlone(t *testing.T) {
	whole, err := os.ReadFile(written(t, 2) + "-redo1")
	require.NoError(t, err)
	first := len(whole) / 2
	for length := range whole {
		path := filepath.Join(t.TempDir(), "log")
		require.NoError(t, os.WriteFile(path+"-redo1", whole[:length], 0o600))
		want := 0
		if length >= first {
			want = 1
		}
		require.Len(t, replayed(t, open(t, path, 0)), want, length)
	}
}

func TestChangedByteEndsTheRun(t *testing.T) {
	whole, err := os.ReadFile(written(t, 1) + "-redo1")
	require.NoError(t, err)
	for at := range whole {
		path := filepath.Join(t.TempDir(), "log")
		whole[at] ^= 1
		require.NoError(t, os.WriteFile(path+"-redo1", whole, 0o600))
		whole[at] ^= 1
		require.Empty(t, replayed(t, open(t, path, 0)), at)
	}
}

func TestAnotherLogsFramesAreNotReplayed(t *testing.T) {
	path := written(t, 2)
	l, err := Open(path, salt+1, 0)
	require.NoError(t, err)
	require.Empty(t, replayed(t, l))
	require.NoError(t, l.Close())
}

func TestBrokenLogTakesNothingUntilItIsRestarted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, path, 0)
	require.NoError(t, l.Append(batch("4917", 1)))
	good := l.files[0]
	unwritable, err := os.Open(good.Name())
	require.NoError(t, err)
	l.files[0] = unwritable
	require.Error(t, l.Append(batch("4917", 2)))
	require.ErrorIs(t, l.Append(batch("4917", 2)), ErrBroken)
	require.NoError(t, unwritable.Close())
	l.files[0] = good
	other := l.files[1]
	l.files[1] = unwritable
	require.Error(t, l.Restart(), "there is no room")
	require.True(t, l.Broken())
	l.files[1] = other

	require.NoError(t, l.Restart())
	require.NoError(t, l.Append(batch("4917", 3)))
	require.Equal(t, [][]persist.Batch{batch("4917", 3)}, replayed(t, open(t, path, 2)), "2 counts as applied")
}

func TestFrameOfAnotherVersionIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, path, 0)
	older := &persist.Table{Name: persist.Counters.Name, Level: "account", KeyColumns: 1, Columns: persist.Counters.Columns[:1]}
	require.NoError(t, l.Append([]persist.Batch{{
		Scope: persist.AccountScope("4917"), Mutations: []persist.Mutation{{Table: older, Row: persist.Row{"n"}}},
	}}))
	err := open(t, path, 0).Replay(func([]persist.Batch) error { return nil })
	require.ErrorIs(t, err, errForeign)
}

func FuzzAnyBodyIsParsedOrRefused(f *testing.F) {
	f.Add([]byte{})
	f.Add(appendFrame(nil, salt, 1, batch("4917", 1))[headerSize:])
	f.Fuzz(func(t *testing.T, content []byte) {
		batches, err := parse(content)
		if err != nil {
			require.ErrorIs(t, err, errForeign)
			return
		}
		again, err := parse(appendFrame(nil, salt, 1, batches)[headerSize:])
		require.NoError(t, err)
		require.Equal(t, batches, again)
	})
}
