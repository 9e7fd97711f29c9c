package simulator

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestATranscriptThatCannotKeepUpTellsItsGaps(t *testing.T) {
	var written bytes.Buffer
	transcript := newTranscript(&written)
	for range maxTranscript + 3 {
		transcript.note(LogEntry{Note: "busy"})
	}
	transcript.start()
	require.NoError(t, transcript.close())
	require.Equal(t, maxTranscript, bytes.Count(written.Bytes(), []byte("note busy\n")))
	require.Contains(t, written.String(), " - 3 lines are missing")
	require.NoError(t, transcript.close())
}

var errDiskFull = errors.New("disk full")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errDiskFull }

func TestATranscriptThatCannotBeWrittenSaysSoAtTheEnd(t *testing.T) {
	s, err := New(Options{Plain: true, Record: fullDisk{}})
	require.NoError(t, err)
	require.NoError(t, s.Start())
	s.notef("49170", "heard by nobody")
	require.ErrorIs(t, s.Close(), errDiskFull)
}
