package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/actors/media/mediatest"
	"whatsapp-web-server/loadtest/contract"
	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

const examplesFile = "../../httpapi/examples.json"

// shownExample is what the specification shows of an operation.
type shownExample struct {
	Operation   string `json:"operation"`
	Name        string `json:"name,omitempty"`
	Description string `json:"description,omitempty"`
	Request     struct {
		Path    map[string]string `json:"path,omitempty"`
		Query   map[string]string `json:"query,omitempty"`
		Headers map[string]string `json:"headers,omitempty"`
		Body    json.RawMessage   `json:"body,omitempty"`
	} `json:"request"`
	Reply struct {
		Status int             `json:"status"`
		Type   string          `json:"type,omitempty"`
		Body   json.RawMessage `json:"body,omitempty"`
	} `json:"reply"`
}

// key names an example.
func (e shownExample) key() string { return strings.TrimSuffix(e.Operation+" "+e.Name, " ") }

// stage is where the examples are carried out: a server, and phones of everybody whom
// they name.
type stage struct {
	*dialogue
	client *http.Client
	routes map[string]string // operation → method and path
	// names are what the examples call things that have other names here.
	names map[string]string
	// instead are bodies that cannot be written down before.
	instead map[string]string
	posted  simulator.NewsletterPost
	// contract is the specification, and receiver an endpoint that gets all events.
	contract *contract.Contract
	receiver *examplesHook
}

// UPDATE_GOLDEN=1 writes the replies into the file of the examples.
func TestEveryExampleOfTheSpecificationWorks(t *testing.T) {
	text, err := os.ReadFile(examplesFile)
	require.NoError(t, err)
	var examples []shownExample
	require.NoError(t, json.Unmarshal(text, &examples))
	s := setStage(t)
	s.subscribe()
	for i := range examples {
		if prepare := s.scenes()[examples[i].key()]; prepare != nil {
			prepare()
		}
		examples[i].Reply.Body = s.perform(examples[i])
		if t.Failed() {
			break
		}
	}
	s.requirePostsAsDescribed()
	if os.Getenv("UPDATE_GOLDEN") != "" && !t.Failed() {
		var file bytes.Buffer
		encoder := json.NewEncoder(&file)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		require.NoError(t, encoder.Encode(examples))
		require.NoError(t, os.WriteFile(examplesFile, file.Bytes(), 0o600))
	}
}

// The numbers of the examples.
const (
	exampleAccount = "31612345678"
	exampleFriend  = "1234567890"
)

func setStage(t *testing.T) *stage {
	t.Helper()
	world := simulatortest.Start(t)
	s := &stage{dialogue: &dialogue{t: t, world: world}, names: map[string]string{
		"2030-01-01T08:00:00Z": time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
	}, instead: map[string]string{}, routes: map[string]string{}}
	phone := func(number, name string) *simulator.Phone {
		p, err := world.AddPhone(number, name)
		require.NoError(t, err)
		return p
	}
	s.own, s.ann = phone(exampleAccount, "Desk"), phone(exampleFriend, "Ann Jansen")
	phone("31600000003", "Bob")
	phone("31600000006", "Eve")
	phone("31687654321", "Shop")
	_, err := phone("31655555555", "Van").AddPasskey()
	require.NoError(t, err)
	require.NoError(t, phone("31600000004", "Bakery").SetBusiness(t.Context(), simulator.Business{Name: "Bakery", Address: "Main Street 1", Email: "b@example.com", Category: "Food"}))
	_, err = s.ann.SetPicture(t.Context(), mediatest.JPEG(64, 64))
	require.NoError(t, err)
	s.names["ANNSLINK000000"] = s.ann.ContactLink()[strings.LastIndex(s.ann.ContactLink(), "/")+1:]
	group, err := s.ann.CreateGroup(t.Context(), simulator.GroupOptions{Subject: "Chess"})
	require.NoError(t, err)
	code, err := s.ann.GroupInvite(t.Context(), group, false)
	require.NoError(t, err)
	s.names["AnnsGroupCode0"], s.names["120363045678901234@g.us"] = code, group.String()
	channel, err := s.ann.CreateNewsletter(t.Context(), simulator.NewsletterOptions{Name: "Ann cooks"})
	require.NoError(t, err)
	s.posted, err = s.ann.PostToNewsletter(t.Context(), channel, &waE2E.Message{Conversation: proto.String("Soup of the day")})
	require.NoError(t, err)
	info, _ := world.Newsletter(channel)
	s.names["AnnsChannelCode"], s.names["120363098765432101@newsletter"] = info.Invite[strings.LastIndex(info.Invite, "/")+1:], channel.String()

	s.receiver = &examplesHook{}
	receiver := httptest.NewServer(s.receiver)
	t.Cleanup(receiver.Close)
	s.names["https://example.com"] = receiver.URL

	s.base, s.stop = boot(t, filepath.Join(t.TempDir(), "whatsapp.db"), world.Env()...)
	t.Cleanup(func() { s.stop() })
	s.client = contract.Client(t)
	_, document := s.fetch(http.MethodGet, "/openapi.json", nil, "")
	loaded, err := contract.Load(document)
	require.NoError(t, err)
	s.contract = loaded
	for route, operation := range loaded.Operations() {
		s.routes[operation.OperationID] = route
	}
	return s
}

// scenes are what has to happen before an example.
func (s *stage) scenes() map[string]func() {
	return map[string]func(){
		"getClientQR": func() { s.awaitCode(exampleAccount) },
		"createPairingCode": func() {
			s.begin("31687654321")
			s.awaitCode("31687654321")
		},
		"getPasskey":    s.scanWithPasskey,
		"answerPasskey": s.answerPasskey,
		"getClient": func() {
			require.NoError(s.t, s.own.Scan(s.t.Context(), s.awaitCode(exampleAccount)))
			s.awaitReady()
			require.NoError(s.t, s.own.SetContact(s.t.Context(), exampleFriend, "Ann Jansen", "Ann"))
		},
		"listContacts": func() {
			s.eventually(func() bool {
				found, ok := try(s.t, http.MethodGet, s.base+"/api/contacts/"+exampleAccount+"?search=ann", "")
				return ok && len(found["contacts"].([]any)) == 1
			})
		},
		"sendMessage text": func() {
			id, err := s.ann.SendText(s.t.Context(), exampleAccount, "Hello, when do you open?")
			require.NoError(s.t, err)
			s.names["3EB0C0FFEE0123456789AB"] = id
			s.eventually(func() bool {
				_, ok := try(s.t, http.MethodGet, s.base+"/api/messages/"+exampleAccount+"/"+exampleFriend+"/"+id, "")
				return ok
			})
		},
		"listMessages": func() {
			s.eventually(func() bool {
				message, ok := try(s.t, http.MethodGet, s.base+"/api/messages/"+exampleAccount+"/"+exampleFriend+"/3EB0A9253FA64269E11C9D", "")
				return ok && message["status"] == "delivered"
			})
		},
		"approveJoinRequests": func() { s.askToJoin("31600000003") },
		"rejectJoinRequests":  func() { s.askToJoin("31600000006") },
		"listJoinRequests":    func() { s.askToJoin("31600000003") },
		"rejectCall": func() {
			id, err := s.ann.Call(s.t.Context(), exampleAccount, simulator.CallOptions{})
			require.NoError(s.t, err)
			s.names["CALLID0123456789"] = id
		},
		"createWebhook": func() { s.unsubscribe() },
		"removeClient":  func() { s.begin("31687654321") },
	}
}

// made are the groups, channels and keys that the examples make, as the examples call them.
var made = map[string]string{
	"createGroup":                   "120363012345678901@g.us",
	"createGroup community":         "120363023456789012@g.us",
	"createGroup groupOfACommunity": "120363034567890123@g.us",
	"createChannel":                 "120363012345678901@newsletter",
	"createKey":                     "01kb4xk3n2v7m8q9r0s1t2w3y4",
}

var madeID = regexp.MustCompile(`"id":"([^"]+@(?:g\.us|newsletter)|[0-9a-z]{26})"`)

// perform carries an example out, and returns its reply in the words of the examples.
func (s *stage) perform(e shownExample) json.RawMessage {
	s.t.Helper()
	method, path, known := strings.Cut(s.routes[e.Operation], " ")
	require.True(s.t, known, e.key())
	words := s.replacer(false)
	for name, value := range e.Request.Path {
		path = strings.Replace(path, "{"+name+"}", url.PathEscape(words.Replace(value)), 1)
	}
	query := url.Values{}
	for name, value := range e.Request.Query {
		query.Set(name, words.Replace(value))
	}
	body := words.Replace(string(e.Request.Body))
	if instead := s.instead[e.key()]; instead != "" {
		body = instead
	}
	response, reply := s.fetch(method, path+"?"+query.Encode(), e.Request.Headers, body)
	require.Equal(s.t, e.Reply.Status, response.StatusCode, "%s: %s", e.key(), reply)
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if e.Reply.Type != "" {
		require.Equal(s.t, e.Reply.Type, kind, e.key())
		require.NotEmpty(s.t, reply)
		return nil
	}
	if name, ok := made[e.key()]; ok {
		s.names[name] = string(madeID.FindSubmatch(reply)[1])
	}
	reply = pictureHost.ReplaceAll([]byte(s.replacer(true).Replace(string(reply))), []byte("https://pps.whatsapp.net"))
	return keySecret.ReplaceAll(reply, []byte("${1}ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
}

// keySecret is in the token of a key.
var keySecret = regexp.MustCompile(`(wak_[0-9a-z]{26}_)[A-Z2-7]{26}`)

var pictureHost = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// replacer puts names of here in the place of the examples' own, or the other way round.
func (s *stage) replacer(back bool) *strings.Replacer {
	var pairs []string
	for theirs, ours := range s.names {
		if back {
			theirs, ours = ours, theirs
		}
		pairs = append(pairs, theirs, ours)
	}
	return strings.NewReplacer(pairs...)
}

func (s *stage) fetch(method, path string, headers map[string]string, body string) (*http.Response, []byte) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, strings.NewReader(body))
	require.NoError(s.t, err)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := s.client.Do(request)
	require.NoError(s.t, err)
	defer response.Body.Close()
	reply, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	return response, reply
}

func (s *stage) begin(number string) {
	s.t.Helper()
	call(s.t, http.MethodPost, s.base+"/api/clients/initialize", `{"accountNumber":"`+number+`"}`)
}

func (s *stage) awaitCode(number string) (code string) {
	s.t.Helper()
	s.eventually(func() bool {
		shown, ok := try(s.t, http.MethodGet, s.base+"/api/clients/"+number+"/qr", "")
		if ok {
			code = shown["qr"].(string)
		}
		return ok
	})
	return code
}

// awaitReady waits until the account is ready and its phone has told it its name.
func (s *stage) awaitReady() {
	s.t.Helper()
	s.eventually(func() bool {
		status, ok := try(s.t, http.MethodGet, s.base+"/api/clients/"+exampleAccount+"/status", "")
		return ok && status["state"] == "ready" && status["name"] != nil
	})
}

func (s *stage) scanWithPasskey() {
	const number = "31655555555"
	s.begin(number)
	code := s.awaitCode(number)
	phone, _ := s.world.Phone(number)
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = phone.Scan(ctx, code) // waits for the passkey; that it succeeds shows in what follows
	}()
	s.t.Cleanup(func() { cancel(); <-done })
	s.eventually(func() bool {
		_, ok := try(s.t, http.MethodGet, s.base+"/api/clients/"+number+"/passkey", "")
		return ok
	})
}

func (s *stage) answerPasskey() {
	const number = "31655555555"
	asked := call(s.t, http.MethodGet, s.base+"/api/clients/"+number+"/passkey", "")
	request, err := json.Marshal(asked["publicKey"])
	require.NoError(s.t, err)
	s.instead["answerPasskey"] = browserAnswer(s.t, s.world.ControlURL()+"/phones/"+number+"/passkey/sign", request)
}

// askToJoin has somebody ask to be let into the group of the examples.
func (s *stage) askToJoin(number string) {
	invite := call(s.t, http.MethodGet, s.base+"/api/groups/"+exampleAccount+"/"+s.names["120363012345678901@g.us"]+"/invite", "")
	phone, _ := s.world.Phone(number)
	link, _ := invite["link"].(string)
	_, _, err := phone.JoinGroup(s.t.Context(), link[strings.LastIndex(link, "/")+1:])
	require.NoError(s.t, err)
}
