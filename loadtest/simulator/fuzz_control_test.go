package simulator

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// filled is a value of a type in which every field says something; texts are the number of a phone.
func filled(t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	switch t.Kind() {
	case reflect.String:
		v.SetString(fuzzNumber)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	case reflect.Float64:
		v.SetFloat(1)
	case reflect.Pointer:
		v.Set(filled(t.Elem()).Addr())
	case reflect.Slice:
		v.Set(reflect.Append(v, filled(t.Elem())))
	case reflect.Struct:
		for i := range t.NumField() {
			if t.Field(i).IsExported() {
				v.Field(i).Set(filled(t.Field(i).Type))
			}
		}
	default:
	}
	return v
}

// fieldByField are bodies of a type: whole, and with one field alone, where most contents exclude each other.
func fieldByField(f *testing.F, t reflect.Type) (bodies [][]byte) {
	f.Helper()
	whole, err := json.Marshal(filled(t).Interface())
	require.NoError(f, err)
	bodies = append(bodies, whole)
	var fields map[string]json.RawMessage
	if json.Unmarshal(whole, &fields) != nil {
		return bodies
	}
	for name, value := range fields {
		body, err := json.Marshal(map[string]any{name: value, "to": fuzzNumber})
		require.NoError(f, err)
		bodies = append(bodies, body)
	}
	return bodies
}

// controlPath puts one value for all the parameters of a route's path; the number may be that of a phone.
func controlPath(r route, known bool, value string) string {
	_, path, _ := strings.Cut(r.pattern, " ")
	if known {
		path = strings.Replace(path, "{number}", fuzzNumber, 1)
	}
	return pathParameter.ReplaceAllLiteralString(path, value)
}

// FuzzControlRequestsAreAnsweredOrRefused sends anything to every route of the control API: what is wrong is the
// caller's fault, and is said to be.
func FuzzControlRequestsAreAnsweredOrRefused(f *testing.F) {
	routes := (&Simulator{}).controlRoutes()
	for i, r := range routes {
		for _, body := range append(fieldByField(f, r.body), []byte("{}"), []byte("null"), []byte(`{"x":`)) {
			f.Add(uint8(i), true, "1", "", body)
		}
		f.Add(uint8(i), false, fuzzNumber, "after=-1", []byte("{}"))
		f.Add(uint8(i), false, "x@g.us", "last=0&limit=0&find=%00", []byte("[]"))
	}
	f.Fuzz(func(t *testing.T, index uint8, known bool, value, query string, body []byte) {
		r := routes[int(index)%len(routes)]
		method, _, _ := strings.Cut(r.pattern, " ")
		var many struct{ Count int }
		_ = json.Unmarshal(body, &many)
		if r.serve != nil || many.Count > 10 || strings.Contains(query, "wait") || !plainSegment(value) {
			t.Skip() // endless, slow, or another path
		}
		s, err := New(Options{})
		require.NoError(t, err)
		defer func() { require.NoError(t, s.Close()) }()
		_, err = s.AddPhone(fuzzNumber, "Alice")
		require.NoError(t, err)

		ctx, cancel := context.WithTimeout(t.Context(), fuzzPatience)
		defer cancel()
		request := httptest.NewRequestWithContext(ctx, method, controlPath(r, known, "x"), strings.NewReader(string(body)))
		request.URL.Path, request.URL.RawQuery = controlPath(r, known, value), query
		answer := httptest.NewRecorder()
		s.controlServer().ServeHTTP(answer, request)
		require.Less(t, answer.Code, http.StatusInternalServerError, "%s %s: %s", request.Method, request.URL, answer.Body)
		require.True(t, json.Valid(answer.Body.Bytes()) || answer.Code/100 == 3, answer.Body)
	})
}

// plainSegment tells whether a value stands for itself in a path.
func plainSegment(value string) bool { return value != "" && !strings.ContainsAny(value, "/.") }
