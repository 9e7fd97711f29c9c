package simulator

import (
	"encoding/json"
	"errors"

	waBinary "go.mau.fi/whatsmeow/binary"
)

// mexVariables are those of all queries that are modelled.
type mexVariables struct {
	Input struct {
		Text string // of an about text
		Key  string // of a newsletter: its JID, or the code of its link
		Type string // JID or INVITE
	}
	WithViewer      bool   `json:"fetch_viewer_metadata"`
	NewsletterID    string `json:"newsletter_id"`
	NewsletterInput struct {
		Name, Description string
		Picture           []byte
	} `json:"newsletter_input"`
}

// mexQuery answers a companion's request in the service's query language with its data.
type mexQuery func(s *Simulator, by *account, asked mexVariables) (any, error)

// mexQueries is the catalogue, by the ids that whatsmeow has for clients of the web.
var mexQueries = map[string]mexQuery{
	"9152604461510864": (*Simulator).mexSetAbout, // mutationUpdateTextStatus
	"6563316087068696": (*Simulator).mexNewsletter,
	"6388546374527196": (*Simulator).mexSubscribed,
	"6234210096708695": (*Simulator).mexCreate,
	"9926858900719341": mexFollow(true),
	"6392786840836363": mexFollow(false),
	"6274038279359549": mexMute(true),
	"6068417879924485": mexMute(false),
}

// mexError is an error as the service's query language has it (whatsmeow: types.GraphQLError).
type mexError struct {
	Message    string         `json:"message"`
	Extensions map[string]any `json:"extensions"`
}

var errMex = errors.New("not modelled")

// answerQuery answers a request in the service's query language. Queries that are not modelled are answered with an
// error in that language.
func (s *Simulator) answerQuery(_ *connection, d *device, request *waBinary.Node) waBinary.Node {
	asked := request.GetChildByTag("query")
	var body struct{ Variables mexVariables }
	query, known := mexQueries[attr(&asked, "query_id")]
	if err := json.Unmarshal(content(&asked), &body); err != nil || !known {
		return mexRefused(request, 400, errMex)
	}
	data, err := query(s, d.account, body.Variables)
	if err != nil {
		return mexRefused(request, newsletterRefusal(err), err)
	}
	return mexResult(request, map[string]any{"data": data})
}

func mexRefused(request *waBinary.Node, code int, err error) waBinary.Node {
	refusal := mexError{err.Error(), map[string]any{"error_code": code, "severity": "CRITICAL"}}
	return mexResult(request, map[string]any{"data": nil, "errors": []mexError{refusal}})
}

func mexResult(request *waBinary.Node, answer map[string]any) waBinary.Node {
	raw, err := json.Marshal(answer)
	if err != nil {
		return failed(request, 500, "internal-server-error")
	}
	return result(request, leaf("result", raw))
}

// mexSetAbout changes the text under an account's name.
func (s *Simulator) mexSetAbout(by *account, asked mexVariables) (any, error) {
	if len(asked.Input.Text) > maxAbout {
		return nil, ErrBadProfile
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setAboutLocked(by, asked.Input.Text)
	return map[string]any{}, nil
}

// notifyMexLocked tells all companions of an account something in the query language.
func (s *Simulator) notifyMexLocked(a *account, operation, field string, data any) {
	raw, err := json.Marshal(map[string]any{"data": map[string]any{field: data}})
	if err != nil {
		return // only what marshals is told
	}
	update := waBinary.Node{Tag: "update", Attrs: waBinary.Attrs{"op_name": operation}, Content: raw}
	s.tellOwnLocked(a, nil, notification(a.lid, "mex", update))
}
