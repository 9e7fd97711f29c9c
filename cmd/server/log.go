package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"
	"unicode"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/configs"
)

// Of lines that say the same, so many are written a second, and of the others every
// hundredth.
const sampled = 100

// newLog makes the log of the process, which names nobody: see discreet.
func newLog(config configs.Config) (*zap.Logger, error) {
	level, err := zapcore.ParseLevel(config.Env.LogLevel)
	if err != nil {
		return nil, fmt.Errorf("log level: %w", err)
	}
	out := zapcore.Lock(os.Stderr)
	core := discreet{zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), out, level)}
	return zap.New(zapcore.NewSamplerWithOptions(core, time.Second, sampled, sampled), zap.AddCaller(), zap.ErrorOutput(out)), nil
}

// discreet masks what is written: numbers of people and groups, the secrets in URLs, and
// what looks like a key. Errors wrap all of them, from wherever they come, so that it is
// done here, once and for all.
type discreet struct{ zapcore.Core }

// With implements [zapcore.Core].
func (d discreet) With(fields []zap.Field) zapcore.Core { return discreet{d.Core.With(veil(fields))} }

// Check implements [zapcore.Core].
func (d discreet) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if d.Enabled(entry.Level) {
		return checked.AddCore(entry, d)
	}
	return checked
}

// Write implements [zapcore.Core].
func (d discreet) Write(entry zapcore.Entry, fields []zap.Field) error {
	entry.Message, entry.Stack = conceal(entry.Message), conceal(entry.Stack)
	return d.Core.Write(entry, veil(fields))
}

// spoken is the one field whose value the caller has chosen and looks for.
const spoken = "requestId"

func veil(fields []zap.Field) []zap.Field {
	veiled := make([]zap.Field, len(fields))
	for i, field := range fields {
		veiled[i] = veilOne(field)
	}
	return veiled
}

// veilOne leaves figures as they are, and makes text of everything else.
func veilOne(field zap.Field) zap.Field {
	switch field.Type {
	case zapcore.BoolType, zapcore.DurationType, zapcore.TimeType, zapcore.Float64Type, zapcore.Int64Type, zapcore.Int32Type,
		zapcore.Uint64Type, zapcore.Uint32Type, zapcore.Uint16Type, zapcore.SkipType:
		return field
	case zapcore.StringType:
		if field.Key == spoken {
			return field
		}
		return zap.String(field.Key, conceal(field.String))
	case zapcore.BinaryType:
		return zap.Int(field.Key, len(field.Interface.([]byte)))
	default:
		values := zapcore.NewMapObjectEncoder()
		field.AddTo(values)
		return zap.String(field.Key, conceal(fmt.Sprint(values.Fields[field.Key])))
	}
}

var (
	userInURL  = regexp.MustCompile(`(://)[^/\s"@]*@`)
	queryInURL = regexp.MustCompile(`(://[^\s"?]*\?)[^\s"]*`)
	// numberLike are the digits of a number, hidden id or group, which have at least
	// seven; in ids of messages digits stand among letters.
	numberLike = regexp.MustCompile(`\b\d{7,}(?:\b|_)`)
	// keyLike has room for 32 bytes in hexadecimal digits or base64.
	keyLike = regexp.MustCompile(`[A-Za-z0-9+/_=-]{40,}`)
)

// conceal masks what names people, and what opens doors.
func conceal(text string) string {
	text = queryInURL.ReplaceAllString(userInURL.ReplaceAllString(text, "$1…@"), "$1…")
	text = keyLike.ReplaceAllStringFunc(text, func(found string) string {
		if isRandom(found) {
			return "…"
		}
		return found
	})
	return numberLike.ReplaceAllStringFunc(text, func(found string) string {
		digits := strings.TrimSuffix(found, "_") // which an agent follows
		return actors.Mask(digits) + found[len(digits):]
	})
}

// isRandom tells keys from paths and names, which lack digits or one of the cases; keys
// in hexadecimal digits too have no other letters.
func isRandom(text string) bool {
	digits := strings.ContainsFunc(text, unicode.IsDigit)
	upper, lower := strings.ContainsFunc(text, unicode.IsUpper), strings.ContainsFunc(text, unicode.IsLower)
	return digits && (upper && lower || strings.Trim(text, "0123456789abcdefABCDEF") == "")
}
