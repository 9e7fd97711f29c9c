package bench

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"

	"whatsapp-web-server/loadtest/simulator"
)

const fileSize = 16 << 20

// BenchmarkMedia sends a file of 16 MB, another each time, and has one downloaded
// that was received. It reports how long each takes, and how much memory the server
// held at most beyond what it held idle: the goal is less than 64 MB.
func BenchmarkMedia(b *testing.B) {
	sim, routes := world(b, 1)
	s, r := startServer(b, sim), routes[1][0]
	s.link(b, []route{r})
	path := incoming(b, s, sim, r)
	idle := settled(b, s.Process)
	var out, in time.Duration
	n := 0
	for b.Loop() {
		begin := time.Now()
		outgoing(b, s, r, uint64(n))
		out += time.Since(begin)
		begin = time.Now()
		answer, err := http.Get(s.URL() + path)
		require.NoError(b, err)
		size, err := io.Copy(io.Discard, answer.Body)
		require.NoError(b, err)
		require.NoError(b, answer.Body.Close())
		require.EqualValues(b, fileSize, size)
		in += time.Since(begin)
		n++
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(out.Seconds()*1000/float64(n), "ms/upload")
	b.ReportMetric(in.Seconds()*1000/float64(n), "ms/download")
	b.ReportMetric(float64(s.Peak(b)-idle)/(1<<20), "MB-above-idle")
}

// outgoing sends a file that nobody has sent before.
func outgoing(b *testing.B, s *server, r route, n uint64) {
	b.Helper()
	content := binary.BigEndian.AppendUint64(make([]byte, 0, fileSize), n)[:fileSize]
	reader, writer := io.Pipe()
	form := multipart.NewWriter(writer)
	go func() { writer.CloseWithError(fill(form, r, content)) }()
	answer, err := http.Post(s.URL()+"/api/messages/send", form.FormDataContentType(), reader)
	require.NoError(b, err)
	defer answer.Body.Close()
	reply, err := io.ReadAll(answer.Body)
	require.NoError(b, err)
	require.Equal(b, http.StatusCreated, answer.StatusCode, "%s", reply)
}

func fill(form *multipart.Writer, r route, content []byte) error {
	for _, field := range [][2]string{{"accountNumber", r.From}, {"chatId", r.To}, {"message", `{"document":{"file":"file"}}`}} {
		if err := form.WriteField(field[0], field[1]); err != nil {
			return err
		}
	}
	part, err := form.CreateFormFile("file", "file.bin")
	if err != nil {
		return err
	}
	if _, err := io.Copy(part, bytes.NewReader(content)); err != nil {
		return err
	}
	return form.Close()
}

// incoming has somebody send the account a file, and returns where to get it.
func incoming(b *testing.B, s *server, sim *simulator.Simulator, r route) (path string) {
	b.Helper()
	phone, _ := sim.Phone(r.To)
	u, err := phone.Upload(b.Context(), make([]byte, fileSize), whatsmeow.MediaDocument)
	require.NoError(b, err)
	id, err := phone.Send(b.Context(), r.From, &waE2E.Message{DocumentMessage: &waE2E.DocumentMessage{
		URL: &u.URL, DirectPath: &u.DirectPath, MediaKey: u.MediaKey,
		FileEncSHA256: u.FileEncSHA256, FileSHA256: u.FileSHA256, FileLength: &u.FileLength,
	}})
	require.NoError(b, err)
	path = fmt.Sprintf("/api/messages/%s/%s/%s", r.From, r.To, id)
	require.Eventually(b, func() bool {
		var message json.RawMessage
		return s.Call(b.Context(), http.MethodGet, path, "", &message) == nil
	}, time.Minute, 10*time.Millisecond)
	return path + "/media"
}
