package configs

import (
	"os"
	"reflect"
	"testing"

	"github.com/joho/godotenv"
	"github.com/stretchr/testify/require"
)

const exampleFile = "../.env.example"

// declared returns the default of every variable that a section declares, and
// what is allowed for it in words.
func declared(t *testing.T) (defaults, allowed map[string]string) {
	t.Helper()
	defaults, allowed = map[string]string{}, map[string]string{}
	for _, section := range new(Config).sections() {
		for _, field := range reflect.VisibleFields(reflect.TypeOf(section).Elem()) {
			name := field.Tag.Get("env")
			require.NotEmpty(t, name, "%s has no variable", field.Name)
			require.NotContains(t, defaults, name, "declared twice")
			value, ok := field.Tag.Lookup("envDefault")
			require.True(t, ok, "%s has no default", name)
			defaults[name], allowed[name] = value, field.Tag.Get("allowed")
		}
	}
	return defaults, allowed
}

func TestExampleFileHoldsEveryVariableWithItsDefaultAndNothingElse(t *testing.T) {
	t.Parallel()
	example, err := godotenv.Read(exampleFile)
	require.NoError(t, err)
	defaults, _ := declared(t)
	require.Equal(t, defaults, example)
}

func TestExampleFileSaysAboveEachVariableWhatIsAllowed(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(exampleFile)
	require.NoError(t, err)
	defaults, allowed := declared(t)
	for name, value := range defaults {
		require.NotEmpty(t, allowed[name], "%s says nowhere what is allowed", name)
		require.Contains(t, string(text), "\n# Allowed: "+allowed[name]+"\n"+name+"="+value+"\n")
	}
}

func TestExampleFileAsItIsMeansTheDefaults(t *testing.T) {
	t.Parallel()
	want, err := Load(nil, "")
	require.NoError(t, err)
	got, err := Load(nil, exampleFile)
	require.NoError(t, err)
	require.Equal(t, want, got)
}
