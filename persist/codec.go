package persist

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"
)

// codec turns a value of one Go type into a column's and back. encode takes an
// addressable value; decode gets a value that the column's type holds.
type codec struct {
	column Type
	encode func(reflect.Value) any
	decode func(into reflect.Value, stored any) error
}

var (
	timeCodec  = codec{Integer, encodeTime, decodeTime}
	boolCodec  = codec{Integer, encodeBool, decodeBool}
	intCodec   = codec{Integer, encodeInt, decodeInt}
	uintCodec  = codec{Integer, encodeUint, decodeUint}
	textCodec  = codec{Text, encodeText, decodeText}
	jsonCodec  = codec{Text, encodeJSON, decodeJSON}
	bytesCodec = codec{Blob, encodeBytes, decodeBytes}
	arrayCodec = codec{Blob, encodeBytes, decodeArray}
	timeType   = reflect.TypeFor[time.Time]()
)

// codecFor panics on a type that cannot be stored.
func codecFor(t reflect.Type, asJSON bool) codec {
	switch kind := t.Kind(); {
	case asJSON:
		return jsonCodec
	case t == timeType:
		return timeCodec
	case kind == reflect.String:
		return textCodec
	case kind == reflect.Bool:
		return boolCodec
	case kind >= reflect.Int && kind <= reflect.Int64:
		return intCodec
	case kind >= reflect.Uint && kind <= reflect.Uint64:
		return uintCodec
	case kind == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return bytesCodec
	case kind == reflect.Array && t.Elem().Kind() == reflect.Uint8:
		return arrayCodec
	}
	panic(fmt.Sprintf("persist: cannot store a %s", t))
}

// addressable returns v in a variable of its own.
func addressable(v any) reflect.Value {
	value := reflect.New(reflect.TypeOf(v)).Elem()
	value.Set(reflect.ValueOf(v))
	return value
}

func encodeTime(v reflect.Value) any { return Milliseconds(*v.Addr().Interface().(*time.Time)) }

func decodeTime(into reflect.Value, stored any) error {
	*into.Addr().Interface().(*time.Time) = Time(stored.(int64))
	return nil
}

func encodeBool(v reflect.Value) any {
	if v.Bool() {
		return int64(1)
	}
	return int64(0)
}

func decodeBool(into reflect.Value, stored any) error {
	into.SetBool(stored.(int64) != 0)
	return nil
}

func encodeInt(v reflect.Value) any { return v.Int() }

func decodeInt(into reflect.Value, stored any) error {
	number := stored.(int64)
	if into.OverflowInt(number) {
		return fmt.Errorf("%d is too large", number)
	}
	into.SetInt(number)
	return nil
}

// encodeUint makes the upper half of 64 bits negative.
func encodeUint(v reflect.Value) any { return int64(v.Uint()) }

func decodeUint(into reflect.Value, stored any) error {
	number := uint64(stored.(int64))
	if into.OverflowUint(number) {
		return fmt.Errorf("%d is too large", number)
	}
	into.SetUint(number)
	return nil
}

func encodeText(v reflect.Value) any { return Storable(v.String()) }

func decodeText(into reflect.Value, stored any) error {
	into.SetString(stored.(string))
	return nil
}

func encodeJSON(v reflect.Value) any {
	text, err := json.Marshal(v.Interface())
	if err != nil {
		panic(fmt.Sprintf("persist: encode a %s: %v", v.Type(), err))
	}
	return Storable(string(text))
}

func decodeJSON(into reflect.Value, stored any) error {
	return json.Unmarshal([]byte(stored.(string)), into.Addr().Interface())
}

func encodeBytes(v reflect.Value) any {
	return append([]byte{}, v.Bytes()...)
}

func decodeBytes(into reflect.Value, stored any) error {
	into.SetBytes(append([]byte{}, stored.([]byte)...))
	return nil
}

func decodeArray(into reflect.Value, stored any) error {
	blob := stored.([]byte)
	if len(blob) != into.Len() {
		return fmt.Errorf("%d bytes instead of %d", len(blob), into.Len())
	}
	copy(into.Bytes(), blob)
	return nil
}

// Milliseconds is the stored form of a time; the zero time is 0.
func Milliseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// Time is the inverse of [Milliseconds], in UTC.
func Time(milliseconds int64) time.Time {
	if milliseconds == 0 {
		return time.Time{}
	}
	return time.UnixMilli(milliseconds).UTC()
}

// Storable makes text safe for every engine: valid UTF-8 without NUL, which
// PostgreSQL refuses; what was wrong becomes U+FFFD.
func Storable(text string) string {
	if isStorable(text) {
		return text
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

func isStorable(text string) bool {
	return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0
}
