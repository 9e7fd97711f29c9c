package httpapi

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
)

func TestEveryKindOfMessageIsAskedForAsItWasGiven(t *testing.T) {
	t.Parallel()
	week := 7 * 24 * time.Hour
	for message, want := range map[string]actors.Send{
		`{"text":"a"}`: {Draft: actors.Text{Body: "a"}},
		`{"text":"see https://x.y","preview":true}`: {Draft: actors.Unfurled{Body: "see https://x.y"}},
		`{"text":"see https://x.y","linkPreview":{"url":"https://x.y","title":"X","description":"D","thumbnail":"/9j/"}}`: {
			Draft: actors.Linked{Body: "see https://x.y", Preview: actors.Preview{
				URL: "https://x.y", Title: "X", Description: "D", Thumbnail: []byte{0xff, 0xd8, 0xff},
			}},
		},
		`{"location":{"latitude":1.5,"longitude":-2,"name":"N","address":"A","url":"U"}}`: {
			Draft: actors.Location{Latitude: 1.5, Longitude: -2, Name: "N", Address: "A", URL: "U"},
		},
		`{"liveLocation":{"latitude":1,"longitude":2,"accuracy":3,"speed":4.5,"heading":5,"caption":"C","sequence":6}}`: {
			Draft: actors.LiveLocation{Latitude: 1, Longitude: 2, Accuracy: 3, Speed: 4.5, Heading: 5, Caption: "C", Sequence: 6},
		},
		`{"contacts":[{"name":"A","numbers":["31600000002"],"organization":"O"},{"name":"B","vcard":"BEGIN:VCARD"}]}`: {
			Draft: actors.Contacts{{Name: "A", Numbers: []string{"31600000002"}, Organization: "O"}, {Name: "B", VCard: "BEGIN:VCARD"}},
		},
		`{"poll":{"question":"Q","options":["a","b"],"choices":1}}`: {Draft: actors.Poll{Question: "Q", Options: []string{"a", "b"}, Choices: 1}},
		`{"vote":{"pollId":"P","options":["a"]}}`:                   {Draft: actors.Vote{PollID: "P", Options: []string{"a"}}},
		`{"vote":{"pollId":"P","options":[]}}`:                      {Draft: actors.Vote{PollID: "P", Options: []string{}}},
		`{"reaction":{"id":"M","emoji":"👍"}}`:                       {Draft: actors.Reaction{MessageID: "M", Emoji: "👍"}},
		`{"reaction":{"id":"M","emoji":""}}`:                        {Draft: actors.Reaction{MessageID: "M"}},
		`{"edit":{"id":"M","text":"b"}}`:                            {Draft: actors.Edit{MessageID: "M", Body: "b"}},
		`{"delete":{"id":"M"}}`:                                     {Draft: actors.Deletion{MessageID: "M"}},
		`{"forward":{"id":"M","chatId":"31600000003@s.whatsapp.net"}}`: {
			Draft: actors.Forward{MessageID: "M", ChatID: "31600000003@c.us"},
		},
		`{"text":"a","quotedId":"M","mentions":["all"],"expiration":604800}`: {
			Draft: actors.Text{Body: "a"}, Manner: actors.Manner{QuotedID: "M", Mentions: []string{"all"}, Expiration: &week},
		},
		`{"text":"a","viewOnce":true}`: {Draft: actors.Text{Body: "a"}, Manner: actors.Manner{ViewOnce: true}},
	} {
		asked := &office{sent: sent("sent")}
		body := `{"accountNumber":"31612345678","chatId":"1234567890","message":` + message + `}`
		boot(t, Config{}, asked).ask(http.MethodPost, sendPath, body).granted(t, http.StatusCreated)
		command := asked.command(t)
		require.Equal(t, want.Draft, command.Draft, message)
		require.Equal(t, want.Manner, command.Manner, message)
	}
}

func TestAStatusIsPostedAndDeletedAsAsked(t *testing.T) {
	t.Parallel()
	path := "/api/status/" + account
	for _, row := range []struct {
		method, path, body string
		want               actors.Draft
	}{
		{
			http.MethodPost, path, `{"message":{"text":"at the lake","backgroundColor":"#ff8000","font":"script"}}`,
			actors.Story{Body: "at the lake", Background: 0xFFFF8000, Font: "script"},
		},
		{http.MethodDelete, path + "/M1", "", actors.Deletion{MessageID: "M1"}},
	} {
		asked := &office{sent: sent("sent")}
		boot(t, Config{}, asked).ask(row.method, row.path+"?wait=3", row.body, "Idempotency-Key", "k").granted(t, http.StatusCreated)
		command := asked.command(t)
		require.NotZero(t, command.RequestHash)
		command.RequestHash, command.Principal = [32]byte{}, ""
		require.Equal(t, actors.Send{To: actors.StatusChat, Draft: row.want, Key: "k", Wait: 3 * time.Second}, command)
	}
}

func TestAStatusThatCannotBeShownIsRefused(t *testing.T) {
	t.Parallel()
	asked := &office{}
	e := boot(t, Config{}, asked)
	for body, field := range map[string]string{
		`{"message":{"text":""}}`:                              "message.text",
		`{"message":{"text":"a","backgroundColor":"red"}}`:     "message.backgroundColor",
		`{"message":{"text":"a","font":"comic"}}`:              "message.font",
		`{"message":{"text":"a","quotedId":"M"}}`:              "message.quotedId",
		`{"message":{"text":"a"},"chatId":"status@broadcast"}`: "chatId",
	} {
		problem := e.ask(http.MethodPost, "/api/status/"+account, body).refused(t, actors.CodeInvalidRequest)
		require.Equal(t, field, problem.Details.Field, body)
	}
	require.Empty(t, asked.questions())
}
