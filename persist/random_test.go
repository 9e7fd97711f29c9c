package persist_test

import (
	"reflect"
	"time"

	"pgregory.net/rapid"

	"whatsapp-web-server/persist"
)

// recordOf draws records as they are after storing: storable text, times in
// milliseconds, no nil bytes.
func recordOf[T any]() *rapid.Generator[T] {
	return rapid.Custom(func(t *rapid.T) T {
		var record T
		value := reflect.ValueOf(&record).Elem()
		for i := range value.NumField() {
			drawField(t, value.Field(i), value.Type().Field(i).Name)
		}
		return record
	})
}

var (
	texts = rapid.Map(rapid.StringN(0, 40, 160), persist.Storable)
	times = rapid.Map(rapid.Int64Range(-1<<45, 1<<45), persist.Time)
	bools = rapid.Bool()
	bytes = rapid.Byte()
)

func drawField(t *rapid.T, into reflect.Value, name string) {
	switch into.Interface().(type) {
	case time.Time:
		into.Set(reflect.ValueOf(times.Draw(t, name)))
		return
	case []byte:
		into.SetBytes(rapid.SliceOfN(bytes, 0, 64).Draw(t, name))
		return
	case map[string]string:
		into.Set(reflect.ValueOf(rapid.MapOf(texts, texts).Draw(t, name)))
		return
	}
	switch {
	case into.Kind() == reflect.String:
		into.SetString(texts.Draw(t, name))
	case into.Kind() == reflect.Bool:
		into.SetBool(bools.Draw(t, name))
	case into.CanInt():
		into.SetInt(rapid.Int64().Draw(t, name))
	case into.Kind() == reflect.Uint32:
		into.SetUint(uint64(rapid.Uint32().Draw(t, name)))
	case into.CanUint():
		into.SetUint(rapid.Uint64().Draw(t, name))
	case into.Kind() == reflect.Array:
		for i := range into.Len() {
			into.Index(i).SetUint(uint64(bytes.Draw(t, name)))
		}
	}
}
