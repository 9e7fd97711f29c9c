package simulator_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

func TestMediaIsSentReadAndLostOverTheControlAPI(t *testing.T) {
	const bob = "4917000000002"
	sim := simulatortest.Start(t)
	addPhone(t, sim, alice)
	reader := addPhone(t, sim, bob)
	call[any](t, sim, "POST", "/phones/"+alice+"/messages", `{"to":"`+bob+`","document":{"data":"aGVsbG8=","fileName":"a.txt","mime":"text/plain"}}`, http.StatusCreated)
	got := nextOf(t, reader, 0)
	path := "/phones/" + bob + "/messages/" + got.ID + "/media"
	listed := call[[]simulator.ReceivedMessage](t, sim, "GET", "/phones/"+bob+"/messages", "", http.StatusOK)
	require.Equal(t, []simulator.ReceivedMessage{got}, listed)
	require.Equal(t, "a.txt", listed[0].FileName)
	file := call[struct {
		MIME string
		Data []byte
	}](t, sim, "GET", path, "", http.StatusOK)
	require.Equal(t, "text/plain", file.MIME)
	require.Equal(t, "hello", string(file.Data))
	call[any](t, sim, "POST", path+"/expire", `{"status":500}`, http.StatusBadRequest)
	call[any](t, sim, "POST", path+"/expire", `{"status":410}`, http.StatusOK)
	call[any](t, sim, "GET", path, "", http.StatusGone)
	call[any](t, sim, "GET", "/phones/"+bob+"/messages/none/media", "", http.StatusNotFound)
}
