package simulator

import (
	"net/http"
	"time"
)

// faultView is a fault on the wire.
type faultView struct {
	ID          string  `json:"id,omitempty"`
	Op          string  `json:"op"`
	Number      string  `json:"number,omitempty"`
	Action      string  `json:"action"`
	Request     string  `json:"request,omitempty" doc:"restricts a fault of iqs, like usync or encrypt get count"`
	Code        int     `json:"code,omitempty"`
	DelayMs     int64   `json:"delayMs,omitempty"`
	After       int     `json:"after,omitempty"`
	Times       int     `json:"times,omitempty"`
	Probability float64 `json:"probability,omitempty"`
	Matched     *int    `json:"matched,omitempty"` // how often it has struck
}

func (v faultView) fault() Fault {
	return Fault{
		Op: v.Op, Number: v.Number, Action: v.Action, Request: v.Request, Code: v.Code, Delay: time.Duration(v.DelayMs) * time.Millisecond,
		After: v.After, Times: v.Times, Probability: v.Probability,
	}
}

func viewOf(a activeFault) faultView {
	return faultView{
		ID: a.id, Op: a.Op, Number: a.Number, Action: a.Action, Request: a.Request, Code: a.Code, DelayMs: a.Delay.Milliseconds(),
		After: a.After, Times: a.Times, Probability: a.Probability, Matched: &a.struck,
	}
}

func (s *Simulator) controlAddFault(_ *http.Request, body faultView) (v idView, err error) {
	if body.ID != "" || body.Matched != nil {
		return v, badField("id", "id and matched are given by the simulator")
	}
	id, err := s.AddFault(body.fault())
	return idView{id}, err
}

func (s *Simulator) controlFaults(*http.Request, none) ([]faultView, error) {
	return s.faultViews(), nil
}

func (s *Simulator) faultViews() []faultView {
	views := []faultView{}
	for _, a := range s.faults.list() {
		views = append(views, viewOf(a))
	}
	return views
}

func (s *Simulator) controlClearFaults(*http.Request, none) (none, error) {
	s.ClearFaults()
	return none{}, nil
}

func (s *Simulator) controlRemoveFault(r *http.Request, _ none) (none, error) {
	if !s.faults.remove(r.PathValue("id")) {
		return none{}, &controlError{http.StatusNotFound, "unknown_fault", "no fault with id " + r.PathValue("id")}
	}
	return none{}, nil
}

func (s *Simulator) controlFaultCatalog(*http.Request, none) ([]FaultKind, error) {
	return FaultCatalog(), nil
}
