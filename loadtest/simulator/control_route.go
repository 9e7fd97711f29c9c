package simulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// route is one operation of the control API: how it is served, and what its description needs.
type route struct {
	pattern      string        // method and path, as http.ServeMux has them
	summary      string        // one line
	status       int           // of success
	query        []*huma.Param // what may stand behind the path
	body, answer reflect.Type
	handle       func(*http.Request) (any, error)

	// Of a route that answers something else than JSON.
	media string
	serve http.HandlerFunc
}

// none is the body of a request that has none, and the answer that says nothing: an empty object.
type none struct{}

// on declares a route. Its handler gets the request's body decoded, and what it answers is sent as JSON; a body of type
// none is not read.
func on[Body, Answer any](pattern, summary string, do func(*http.Request, Body) (Answer, error)) route {
	return route{
		pattern: pattern, summary: summary, status: http.StatusOK,
		body: reflect.TypeFor[Body](), answer: reflect.TypeFor[Answer](),
		handle: func(r *http.Request) (any, error) {
			body, err := readBody[Body](r)
			if err != nil {
				return nil, err
			}
			return do(r, body)
		},
	}
}

// streaming declares a route that writes its answer, of that media type, by itself.
func streaming(pattern, summary, media string, serve http.HandlerFunc) route {
	return route{
		pattern: pattern, summary: summary, status: http.StatusOK,
		body: reflect.TypeFor[none](), answer: reflect.TypeFor[string](), media: media, serve: serve,
	}
}

// creating marks a route that answers 201.
func (r route) creating() route {
	r.status = http.StatusCreated
	return r
}

// polled marks a route that answers with [poll].
func (r route) polled() route {
	r.query = pollParameters
	return r
}

// withPhone finds the phone that the path names.
func withPhone[Body, Answer any](s *Simulator, do func(*Phone, *http.Request, Body) (Answer, error)) func(*http.Request, Body) (Answer, error) {
	return func(r *http.Request, body Body) (answer Answer, err error) {
		p, ok := s.Phone(r.PathValue("number"))
		if !ok {
			return answer, fmt.Errorf("number %q: %w", r.PathValue("number"), ErrUnknownPhone)
		}
		return do(p, r, body)
	}
}

func (r route) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if r.serve != nil {
		r.serve(w, request)
		return
	}
	request.Body = http.MaxBytesReader(w, request.Body, maxControlBody)
	value, err := r.handle(request)
	if err != nil {
		answerError(w, err)
		return
	}
	answerJSON(w, r.status, value)
}

// answerError answers an error.
func answerError(w http.ResponseWriter, err error) {
	refusal, ok := errors.AsType[*controlError](err)
	if !ok {
		refusal = statusOf(err)
	}
	answerJSON(w, refusal.status, refusal.view())
}

func answerJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) //nolint:errchkjson // the client is gone; there is nobody to tell
}

// readBody decodes the request's JSON object. Unknown fields are refused.
func readBody[T any](r *http.Request) (body T, err error) {
	if reflect.TypeFor[T]() == reflect.TypeFor[none]() {
		return body, nil
	}
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

// poll answers the entries after ?after= as soon as there is one, or none when ?wait= is over; of many the newest ?last=.
func poll[T any](r *http.Request, f *feed[T]) ([]T, error) {
	wait := time.Duration(0)
	after, err := numberIn(r, "after", 0)
	if err != nil {
		return nil, err
	}
	last, err := numberIn(r, "last", math.MaxInt)
	if err != nil {
		return nil, err
	}
	if raw := r.FormValue("wait"); raw != "" {
		if wait, err = time.ParseDuration(raw); err != nil || wait < 0 || wait > maxControlWait {
			return nil, badField("wait", "want a duration up to %v, like 10s", maxControlWait)
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	entries, err := f.wait(ctx, int64(after))
	if err != nil && r.Context().Err() != nil {
		return nil, err
	}
	if entries == nil {
		entries = []T{}
	}
	return entries[max(0, len(entries)-last):], nil
}

// numberIn reads a parameter that is a number, none below 0.
func numberIn(r *http.Request, name string, unsaid int) (int, error) {
	raw := r.FormValue(name)
	if raw == "" {
		return unsaid, nil
	}
	n, err := strconv.Atoi(raw)
	if err != nil || n < 0 {
		return 0, badField(name, "want a number")
	}
	return n, nil
}
