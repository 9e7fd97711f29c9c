package simulator_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/simulator"
)

// picture takes several of the pieces that a slow fault lets pass.
var picture = bytes.Repeat([]byte("picture"), 10_000)

const pieces = 5

func (s stage) upload(ctx context.Context) (whatsmeow.UploadResponse, error) {
	return s.companion.client.Upload(ctx, picture, whatsmeow.MediaImage)
}

// download fetches an uploaded picture.
func (s stage) download(ctx context.Context, uploaded whatsmeow.UploadResponse) error {
	file, err := s.companion.client.Download(ctx, imageOf(uploaded, "").ImageMessage)
	if err == nil && !bytes.Equal(file, picture) {
		err = errors.New("not the picture")
	}
	return err
}

// uploadFails shows what becomes of an upload, and that the next one is well.
func uploadFails(f simulator.Fault, says string) func(*testing.T) {
	return func(t *testing.T) {
		f.Op, f.Times, f.Number = "upload", 1, alice
		s := struck(t, f)
		_, err := s.upload(within(t))
		require.ErrorContains(t, err, says)
		_, err = s.upload(within(t))
		require.NoError(t, err)
	}
}

func uploadDelay(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "upload", Action: "delay", Delay: 300 * time.Millisecond})
	begun := time.Now()
	_, err := s.upload(within(t))
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(begun), 300*time.Millisecond)
}

func uploadSlow(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "upload", Action: "slow", Delay: 50 * time.Millisecond})
	begun := time.Now()
	uploaded, err := s.upload(within(t))
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(begun), pieces*50*time.Millisecond)
	require.NoError(t, s.download(within(t), uploaded))
}

func uploadHalfOpen(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "upload", Action: "half_open"})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := s.upload(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func uploadDamaged(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "upload", Action: "malformed", Code: 2})
	uploaded, err := s.upload(within(t))
	require.NoError(t, err)
	require.ErrorIs(t, s.download(within(t), uploaded), whatsmeow.ErrInvalidMediaEncSHA256)
}

// downloading is a stage with a picture whose downloads a fault strikes.
func downloading(t *testing.T, f simulator.Fault) (s stage, uploaded whatsmeow.UploadResponse) {
	t.Helper()
	s = newStage(t)
	uploaded, err := s.upload(within(t))
	require.NoError(t, err)
	f.Op = "download"
	mustFault(t, s.sim, f)
	return s, uploaded
}

func downloadGone(t *testing.T) {
	for code, want := range map[int]error{
		http.StatusForbidden: whatsmeow.ErrMediaDownloadFailedWith403, http.StatusNotFound: whatsmeow.ErrMediaDownloadFailedWith404,
		http.StatusGone: whatsmeow.ErrMediaDownloadFailedWith410,
	} {
		s, uploaded := downloading(t, simulator.Fault{Action: "error", Code: code, Times: 1})
		require.ErrorIs(t, s.download(within(t), uploaded), want)
		require.NoError(t, s.download(within(t), uploaded), "the fault has struck once: no other host was asked")
	}
}

// downloadRetried shows that whatsmeow asks the same host again, a second later. Go's HTTP client asks once more by
// itself if it used a connection again that was cut.
func downloadRetried(f simulator.Fault) func(*testing.T) {
	return func(t *testing.T) {
		f.Times = 2
		s, uploaded := downloading(t, f)
		begun := time.Now()
		require.NoError(t, s.download(within(t), uploaded))
		require.GreaterOrEqual(t, time.Since(begun), time.Second)
	}
}

// downloadElsewhere shows that whatsmeow asks its second host once, and says what the last has answered.
func downloadElsewhere(f simulator.Fault, says string) func(*testing.T) {
	return func(t *testing.T) {
		s, uploaded := downloading(t, f)
		require.ErrorContains(t, s.download(within(t), uploaded), says)
		s.sim.ClearFaults()
		once := f
		once.Op, once.Times = "download", 1
		mustFault(t, s.sim, once)
		require.NoError(t, s.download(within(t), uploaded))
	}
}

func downloadDelay(t *testing.T) {
	s, uploaded := downloading(t, simulator.Fault{Action: "delay", Delay: 300 * time.Millisecond})
	begun := time.Now()
	require.NoError(t, s.download(within(t), uploaded))
	require.GreaterOrEqual(t, time.Since(begun), 300*time.Millisecond)
}

func downloadSlow(t *testing.T) {
	s, uploaded := downloading(t, simulator.Fault{Action: "slow", Delay: 50 * time.Millisecond})
	begun := time.Now()
	require.NoError(t, s.download(within(t), uploaded))
	require.GreaterOrEqual(t, time.Since(begun), pieces*50*time.Millisecond)
}

func downloadHalfOpen(t *testing.T) {
	s, uploaded := downloading(t, simulator.Fault{Action: "half_open"})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.download(ctx, uploaded), context.DeadlineExceeded)
}

func messageTruncate(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "message", Action: "truncate", Times: 1})
	_, err := s.bob.SendText(t.Context(), alice, "without a name")
	require.NoError(t, err)
	s.hears(t, "with one")
	s.companion.relogin()
	next[*events.OfflineSyncPreview](s.companion)
	require.Equal(t, "without a name", s.companion.nextText().Message.GetConversation())
}
