package simulator

import "net/http"

type historyBody struct {
	Chats []HistoryChat `json:"chats"`
}

func controlHistory(p *Phone, r *http.Request, body historyBody) (none, error) {
	if len(body.Chats) == 0 {
		return none{}, badField("chats", "missing")
	}
	return none{}, p.AddHistory(r.Context(), body.Chats...)
}
