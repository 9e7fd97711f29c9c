package simulator

import (
	"encoding/json"

	waBinary "go.mau.fi/whatsmeow/binary"
)

// mexSetAbout is the id of the query that changes the text under the name (whatsmeow: mutationUpdateTextStatus).
const mexSetAbout = "9152604461510864"

// mexError is an error as the service's query language has it (whatsmeow: types.GraphQLError).
type mexError struct {
	Message    string         `json:"message"`
	Extensions map[string]any `json:"extensions"`
}

// answerQuery answers a request in the service's query language. Of all queries one is modelled; the rest is answered
// with an error in that language.
func (s *Simulator) answerQuery(_ *connection, d *device, request *waBinary.Node) waBinary.Node {
	query := request.GetChildByTag("query")
	var asked struct {
		Variables struct {
			Input struct{ Text string }
		}
	}
	err := json.Unmarshal(content(&query), &asked)
	if err != nil || attr(&query, "query_id") != mexSetAbout || len(asked.Variables.Input.Text) > maxAbout {
		refusal := mexError{"not modelled", map[string]any{"error_code": 400, "severity": "CRITICAL"}}
		return mexResult(request, map[string]any{"data": nil, "errors": []mexError{refusal}})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setAboutLocked(d.account, asked.Variables.Input.Text)
	return mexResult(request, map[string]any{"data": map[string]any{}})
}

func mexResult(request *waBinary.Node, answer map[string]any) waBinary.Node {
	raw, err := json.Marshal(answer)
	if err != nil {
		return failed(request, 500, "internal-server-error")
	}
	return result(request, leaf("result", raw))
}
