package simulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// maxControlBody bounds a request to the control API; maxControlWait bounds its long polls.
const (
	maxControlBody = 1 << 20
	maxControlWait = 60 * time.Second
)

// controlRoutes is the control API, all of it on one screen.
func (s *Simulator) controlRoutes() http.Handler {
	mux := http.NewServeMux()
	for pattern, handler := range map[string]controlHandler{
		"GET /healthz": s.controlHealth,
		"GET /stats":   s.controlStats,
		"GET /log":     s.controlLog,
		"POST /reset":  s.controlReset,

		"POST /phones":                             s.controlAddPhones,
		"GET /phones/{number}":                     s.withPhone(controlPhone),
		"POST /phones/{number}/online":             s.withPhone(controlOnline),
		"POST /phones/{number}/offline":            s.withPhone(controlOffline),
		"POST /phones/{number}/scan":               s.withPhone(controlScan),
		"POST /phones/{number}/messages":           s.withPhone(controlSend),
		"GET /phones/{number}/messages":            s.withPhone(controlMessages),
		"POST /phones/{number}/receipts":           s.withPhone(controlSendReceipt),
		"GET /phones/{number}/receipts":            s.withPhone(controlReceipts),
		"POST /phones/{number}/autoreply":          s.withPhone(controlAutoReply),
		"DELETE /phones/{number}/devices/{device}": s.withPhone(controlUnlink),

		"POST /faults":        s.controlAddFault,
		"GET /faults":         s.controlFaults,
		"DELETE /faults":      s.controlClearFaults,
		"DELETE /faults/{id}": s.controlRemoveFault,
	} {
		mux.Handle(pattern, handler)
	}
	mux.Handle("/", controlHandler(func(r *http.Request) (any, error) {
		return nil, &controlError{http.StatusNotFound, "not_found", "no such route: " + r.Method + " " + r.URL.Path}
	}))
	return mux
}

// controlHandler answers a request with a value to be sent as JSON, or an error. A nil value is an empty object.
type controlHandler func(r *http.Request) (any, error)

// created marks an answer as 201.
type created struct{ value any }

// controlError is an error with its HTTP status and the code that programs read.
type controlError struct {
	status        int
	code, message string
}

func (e *controlError) Error() string { return e.message }

func badField(field, format string, args ...any) error {
	return &controlError{http.StatusBadRequest, "bad_request", field + ": " + fmt.Sprintf(format, args...)}
}

// statusOf is the one table from errors to HTTP.
func statusOf(err error) *controlError {
	for _, row := range []struct {
		is     error
		status int
		code   string
	}{
		{ErrUnknownPhone, http.StatusNotFound, "unknown_phone"},
		{ErrUnknownDevice, http.StatusNotFound, "unknown_device"},
		{ErrPhoneExists, http.StatusConflict, "phone_exists"},
		{ErrPhoneOffline, http.StatusConflict, "phone_offline"},
		{ErrUnknownRef, http.StatusConflict, "unknown_ref"},
		{ErrPairing, http.StatusConflict, "pairing_refused"},
		{ErrCompanionGone, http.StatusConflict, "companion_gone"},
		{ErrTooManyDevices, http.StatusConflict, "too_many_devices"},
		{ErrBadNumber, http.StatusBadRequest, "bad_request"},
		{ErrBadQR, http.StatusBadRequest, "bad_request"},
		{ErrBadFault, http.StatusBadRequest, "bad_request"},
		{context.DeadlineExceeded, http.StatusGatewayTimeout, "timeout"},
		{context.Canceled, http.StatusServiceUnavailable, "cancelled"},
	} {
		if errors.Is(err, row.is) {
			return &controlError{row.status, row.code, err.Error()}
		}
	}
	return &controlError{http.StatusInternalServerError, "internal", err.Error()}
}

func (h controlHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxControlBody)
	value, err := h(r)
	status := http.StatusOK
	if made, ok := value.(created); ok {
		status, value = http.StatusCreated, made.value
	}
	if value == nil {
		value = struct{}{}
	}
	if err != nil {
		refusal := (*controlError)(nil)
		if !errors.As(err, &refusal) {
			refusal = statusOf(err)
		}
		status, value = refusal.status, map[string]any{"error": map[string]string{"code": refusal.code, "message": refusal.message}}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) //nolint:errchkjson // the client is gone; there is nobody to tell
}

// readBody decodes the request's JSON object. Unknown fields are refused.
func readBody[T any](r *http.Request) (body T, err error) {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil {
		return body, badField("body", "%v", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return body, badField("body", "more than one JSON value")
	}
	return body, nil
}

// poll answers the entries after ?after= as soon as there is one, or none when ?wait= is over.
func poll[T any](r *http.Request, f *feed[T]) (any, error) {
	after, wait := int64(0), time.Duration(0)
	var err error
	if raw := r.FormValue("after"); raw != "" {
		if after, err = strconv.ParseInt(raw, 10, 64); err != nil {
			return nil, badField("after", "want a number")
		}
	}
	if raw := r.FormValue("wait"); raw != "" {
		if wait, err = time.ParseDuration(raw); err != nil || wait < 0 || wait > maxControlWait {
			return nil, badField("wait", "want a duration up to %v, like 10s", maxControlWait)
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	entries, err := f.wait(ctx, after)
	if err != nil && r.Context().Err() != nil {
		return nil, err
	}
	if entries == nil {
		entries = []T{}
	}
	return entries, nil
}

func (s *Simulator) controlHealth(*http.Request) (any, error) {
	return map[string]string{"status": "ok"}, nil
}

func (s *Simulator) controlStats(*http.Request) (any, error) { return s.Stats(), nil }

func (s *Simulator) controlLog(r *http.Request) (any, error) { return poll(r, s.journal) }

func (s *Simulator) controlReset(*http.Request) (any, error) {
	s.Reset()
	return nil, nil
}
