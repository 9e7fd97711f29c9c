package ownership_test

import (
	"testing"

	"whatsapp-web-server/supervisor/ownership"
	"whatsapp-web-server/supervisor/ownership/ownershiptest"
)

func TestStatic(t *testing.T) {
	ownershiptest.RunAlone(t, func(_ testing.TB, name string) ownership.Owner { return ownership.NewStatic(name) })
}
