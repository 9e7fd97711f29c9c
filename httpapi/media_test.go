package httpapi

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/actors/media"
	"whatsapp-web-server/actors/media/mediatest"
)

// form is a request to send a message with a file.
func form(t *testing.T, fields [][2]string) (body, contentType string) {
	t.Helper()
	var buffer bytes.Buffer
	writer := multipart.NewWriter(&buffer)
	for _, field := range fields {
		if field[0] != "file" {
			require.NoError(t, writer.WriteField(field[0], field[1]))
			continue
		}
		part, err := writer.CreateFormFile("file", "a.png")
		require.NoError(t, err)
		_, err = part.Write([]byte(field[1]))
		require.NoError(t, err)
	}
	require.NoError(t, writer.Close())
	return buffer.String(), writer.FormDataContentType()
}

func (e *edge) sendForm(t *testing.T, fields ...[2]string) response {
	t.Helper()
	body, contentType := form(t, fields)
	return e.ask(http.MethodPost, sendPath, body, "Content-Type", contentType)
}

func TestAFormBringsAFile(t *testing.T) {
	t.Parallel()
	picture := string(mediatest.PNG(300, 300))
	o := &office{sent: sent("sent")}
	e := boot(t, Config{}, o)
	e.sendForm(t, [2]string{"accountNumber", account}, [2]string{"chatId", "1234567890@c.us"},
		[2]string{"file", picture}, [2]string{"message", `{"image":{"file":"file","caption":"look"}}`}).granted(t, http.StatusCreated)
	file := o.command(t).Draft.(actors.File)
	require.Equal(t, media.Image, file.Kind)
	require.Equal(t, "look", file.Caption)
	require.EqualValues(t, len(picture), file.Content.Size)
}

func TestAnotherFileIsAnotherRequest(t *testing.T) {
	t.Parallel()
	hashes := map[[32]byte]bool{}
	for _, content := range []string{"one", "two", "one"} {
		o := &office{sent: sent("sent")}
		boot(t, Config{}, o).sendForm(t, [2]string{"accountNumber", account}, [2]string{"chatId", "1234567890@c.us"},
			[2]string{"message", `{"document":{"file":"file"}}`}, [2]string{"file", content}).granted(t, http.StatusCreated)
		hashes[o.command(t).RequestHash] = true
	}
	require.Len(t, hashes, 2)
}

func TestFormsThatMakeNoMessageAreRefused(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{}, &office{})
	account, chat := [2]string{"accountNumber", account}, [2]string{"chatId", "1234567890@c.us"}
	message, file := [2]string{"message", `{"image":{"file":"file"}}`}, [2]string{"file", "x"}
	for name, row := range map[string]struct {
		fields [][2]string
		field  string
	}{
		"no file":        {[][2]string{account, chat, message}, "message.image.file"},
		"a file unsaid":  {[][2]string{account, chat, {"message", `{"text":"x"}`}, file}, "message"},
		"two files":      {[][2]string{account, chat, message, file, file}, "file"},
		"no JSON":        {[][2]string{account, chat, {"message", "x"}, file}, "message"},
		"unknown field":  {[][2]string{account, chat, message, file, {"x", "y"}}, "x"},
		"unknown within": {[][2]string{account, chat, {"message", `{"image":{"file":"file","x":1}}`}, file}, "message.image.x"},
		"another part":   {[][2]string{account, chat, {"message", `{"image":{"file":"x"}}`}, file}, "message.image.file"},
	} {
		problem := e.sendForm(t, row.fields...).refused(t, actors.CodeInvalidRequest)
		require.Equal(t, row.field, problem.Details.Field, name)
	}
	e.ask(http.MethodPost, sendPath, "x", "Content-Type", "multipart/form-data; boundary=y").refused(t, actors.CodeInvalidRequest)
}

func TestAFileInBase64HasALimit(t *testing.T) {
	t.Parallel()
	large := content{FileContent: FileContent{Document: &documentContent{FileSource: FileSource{Base64: make([]byte, media.MaxInline+1)}}}}
	_, _, err := large.attach(t.Context(), large.draft(), new([32]byte))
	refusal := refusalOf(err)
	require.Equal(t, actors.CodeMediaTooLarge, refusal.Code)
	require.Equal(t, "message.document.base64", refusal.Field)
}

func TestAFileComesFromOnePlace(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{}, &office{})
	for message, field := range map[string]string{
		`{"image":{}}`: "message.image",
		`{"image":{"url":"http://a.example/","base64":"AAAA"}}`:                  "message.image",
		`{"image":{"url":"http://a.example/"},"text":"x"}`:                       "message.image",
		`{"video":{"url":"http://a.example/","gif":true,"round":true}}`:          "message.video.round",
		`{"image":{"url":"http://a.example/"},"video":{"url":"http://a.test/"}}`: "message.video",
	} {
		problem := e.ask(http.MethodPost, sendPath,
			`{"accountNumber":"31612345678","chatId":"1234567890@c.us","message":`+message+`}`).refused(t, actors.CodeInvalidRequest)
		require.Equal(t, field, problem.Details.Field, message)
	}
}

func TestFilesHaveLimits(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{}, &office{sent: sent("sent")})
	inline := func(size int) string {
		return `{"accountNumber":"31612345678","chatId":"1234567890@c.us","message":{"document":{"base64":"` +
			strings.Repeat("A", size/3*4) + `"}}}`
	}
	e.ask(http.MethodPost, sendPath, inline(3<<20)).granted(t, http.StatusCreated)
	e.ask(http.MethodPost, sendPath, inline(media.MaxInline+3)).refused(t, actors.CodeMediaTooLarge)
}

func TestARangeOfAFile(t *testing.T) {
	t.Parallel()
	file, err := media.Store(strings.NewReader("0123456789"), 10)
	require.NoError(t, err)
	t.Cleanup(func() { file.Close() })
	for spec, want := range map[string][2]int64{
		"": {0, 10}, "bytes=0-": {0, 10}, "bytes=2-4": {2, 3}, "bytes=8-20": {8, 2}, "bytes=-3": {7, 3}, "bytes=-30": {0, 10},
		"bytes=9-9": {9, 1}, "lines=1-2": {0, 10}, "bytes=1-2,4-5": {0, 10}, "bytes=4-2": {0, 10}, "bytes=x": {0, 10}, "bytes=+1-": {0, 10},
	} {
		a := fileAnswer{input: &RangeInput{Range: spec}, file: file}
		from, length, _, err := a.window()
		require.NoError(t, err, spec)
		require.Equal(t, want, [2]int64{from, length}, spec)
	}
	for _, spec := range []string{"bytes=10-", "bytes=10-12", "bytes=-0"} {
		a := fileAnswer{input: &RangeInput{Range: spec}, file: file}
		_, _, _, err := a.window()
		require.Equal(t, codeRangeNotSatisfiable, actors.CodeOf(err), spec)
	}
	a := fileAnswer{input: &RangeInput{Range: "bytes=1-2", IfRange: `"old"`}, tag: `"new"`, file: file}
	_, length, part, err := a.window()
	require.NoError(t, err)
	require.False(t, part)
	require.EqualValues(t, 10, length)
}

func TestAFileIsShownOnlyWhereThatIsSafe(t *testing.T) {
	t.Parallel()
	require.Equal(t, "inline", disposition("image/png", ""))
	require.Equal(t, "attachment", disposition("text/html", ""))
	require.Equal(t, "attachment", disposition("image/svg+xml", ""))
	require.Equal(t, `attachment; filename="a b.pdf"`, disposition("application/pdf", "a b.pdf"))
	require.NotContains(t, disposition("application/pdf", "a\r\nSet-Cookie: x"), "\n")
	require.Empty(t, mimeTypeOf("image/png\r\nX: y"))
}
