package simulator_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/appstate"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waServerSync"
	"go.mau.fi/whatsmeow/proto/waSyncAction"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// blobs counts what a client downloads of app state.
type blobs struct {
	http.RoundTripper

	count atomic.Int32
}

func (b *blobs) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.RawQuery, "mms-type=md-app-state") {
		b.count.Add(1)
	}
	return b.RoundTripper.RoundTrip(r)
}

// newReader is a companion that reports all it reads, and the count of what it downloads.
func newReader(t *testing.T, sim *simulator.Simulator) (*companion, *blobs) {
	t.Helper()
	c := newCompanion(t, sim)
	c.client.EmitAppStateEventsOnFullSync = true
	watched := &blobs{RoundTripper: simulatortest.HTTPClient(t, sim).Transport}
	c.client.SetMediaHTTPClient(&http.Client{Transport: watched})
	return c, watched
}

// fullSync reads all of a collection anew and returns the labels and pins that are reported.
func fullSync(t *testing.T, c *companion, name appstate.WAPatchName) (seen []string) {
	t.Helper()
	require.NoError(t, c.client.FetchAppState(within(t), name, true, false))
	return upToSync(t, c, name)
}

// upToSync returns the labels and pins that are reported until a collection has been read.
func upToSync(t *testing.T, c *companion, name appstate.WAPatchName) (seen []string) {
	t.Helper()
	for {
		switch event := next[any](c).(type) {
		case *events.LabelEdit:
			seen = append(seen, event.LabelID+" "+event.Action.GetName())
		case *events.Pin:
			seen = append(seen, event.JID.User)
		case *events.AppStateSyncError:
			require.NoError(t, event.Error)
		case *events.AppStateSyncComplete:
			if event.Name == name {
				return seen
			}
		}
	}
}

func TestACollectionWithAPastIsReadFromItsSnapshotAndWhatFollows(t *testing.T) {
	sim := simulatortest.Start(t)
	a := addPhone(t, sim, alice)
	for i := range 10 {
		require.NoError(t, a.EditLabel(t.Context(), "1", fmt.Sprint("name ", i), 0, false))
	}
	for _, label := range []string{"2", "3"} {
		require.NoError(t, a.EditLabel(t.Context(), label, "late", 0, false))
	}
	c, downloaded := newReader(t, sim)
	c.pair(a)
	require.Equal(t, []string{"1 name 9", "2 late", "3 late"}, upToSync(t, c, appstate.WAPatchRegular))
	require.EqualValues(t, 1, downloaded.count.Load())

	require.NoError(t, a.EditLabel(t.Context(), "4", "later", 0, false))
	require.Equal(t, "later", next[*events.LabelEdit](c).Action.GetName())
	require.Len(t, fullSync(t, c, appstate.WAPatchRegular), 4)
	require.EqualValues(t, 2, downloaded.count.Load())
}

func TestWhatAPhoneRemovesIsGoneFromItsCompanions(t *testing.T) {
	sim := simulatortest.Start(t)
	a := addPhone(t, sim, alice)
	addPhone(t, sim, bob)
	touch(t, a)
	salt := appstate.PatchInfo{Type: appstate.WAPatchRegularHigh, Mutations: []appstate.MutationInfo{{
		Index: []string{appstate.IndexNCTSaltSync}, Version: 1,
		Value: &waSyncAction.SyncActionValue{NctSaltSyncAction: &waSyncAction.NctSaltSyncAction{Salt: []byte("salt")}},
	}}}
	require.NoError(t, a.WriteAppState(t.Context(), salt))
	require.NoError(t, a.SetContact(t.Context(), bob, "Bob Builder", "Bob"))
	c := pairSynced(t, sim, a)
	held := func() []byte {
		salt, err := c.client.Store.NCTSalt.GetNCTSalt(t.Context())
		require.NoError(t, err)
		return salt
	}
	require.Equal(t, []byte("salt"), held())

	contact := []string{appstate.IndexContact, types.NewJID(bob, types.DefaultUserServer).String()}
	require.NoError(t, a.RemoveAppState(t.Context(), contact...))
	require.NoError(t, a.RemoveAppState(t.Context(), appstate.IndexNCTSaltSync))
	require.NotContains(t, indices(t, a), fmt.Sprint(contact))
	require.ErrorIs(t, a.RemoveAppState(t.Context(), contact...), simulator.ErrUnknownEntry)
	require.NoError(t, a.SetContact(t.Context(), alice, "Still Me", "Me")) // is verified against what remains
	require.Equal(t, "Still Me", next[*events.Contact](c).Action.GetFullName())
	require.Eventually(t, func() bool { return len(held()) == 0 }, patience, 5*time.Millisecond)
}

func TestWhatWasRemovedIsNotInASnapshot(t *testing.T) {
	sim := simulatortest.Start(t)
	a := addPhone(t, sim, alice)
	for i := range 9 {
		require.NoError(t, a.EditLabel(t.Context(), fmt.Sprint(i), "label", 0, false))
	}
	require.NoError(t, a.RemoveAppState(t.Context(), appstate.IndexLabelEdit, "5"))
	c, downloaded := newReader(t, sim)
	c.pair(a)
	seen := upToSync(t, c, appstate.WAPatchRegular)
	require.Len(t, seen, 8)
	require.NotContains(t, seen, "5 label")
	require.EqualValues(t, 1, downloaded.count.Load())
}

// manyLabels is a change of so many entries that its patch does not hold them itself.
func manyLabels(count int) appstate.PatchInfo {
	change := appstate.PatchInfo{Type: appstate.WAPatchRegular}
	for i := range count {
		change.Mutations = append(change.Mutations, appstate.BuildLabelEdit(fmt.Sprint(i), "one of many", 0, false).Mutations...)
	}
	return change
}

func TestALargeChangeIsFetchedFromTheMediaServers(t *testing.T) {
	sim := simulatortest.Start(t)
	a := addPhone(t, sim, alice)
	touch(t, a)
	c, downloaded := newReader(t, sim)
	c.pair(a)
	upToSync(t, c, appstate.WAPatchRegularLow)
	require.NoError(t, a.WriteAppState(t.Context(), manyLabels(150)))
	for i := range 150 {
		require.Equal(t, fmt.Sprint(i), next[*events.LabelEdit](c).LabelID)
	}
	require.EqualValues(t, 1, downloaded.count.Load())
	for range 10 {
		require.NoError(t, a.EditLabel(t.Context(), "0", "renamed", 0, false))
		require.Equal(t, "renamed", next[*events.LabelEdit](c).Action.GetName())
	}
	require.Len(t, fullSync(t, c, appstate.WAPatchRegular), 152) // the snapshot of ten patches, and the two that follow
	require.Len(t, indices(t, a), 150+4)                         // with what touch has written elsewhere and the push name
}

func TestAPatchWhoseBlobIsMissingIsRefused(t *testing.T) {
	sim := simulatortest.Start(t)
	c := pairSynced(t, sim, addPhone(t, sim, alice))
	lost := &waServerSync.ExternalBlobReference{DirectPath: proto.String("/v/nowhere?x"), MediaKey: make([]byte, 32)}
	raw, err := proto.Marshal(&waServerSync.SyncdPatch{ExternalMutations: lost})
	require.NoError(t, err)
	patch := waBinary.Node{Tag: "patch", Content: raw}
	collection := waBinary.Node{Tag: "collection", Attrs: waBinary.Attrs{"name": "regular", "version": 0}, Content: []waBinary.Node{patch}}
	answer, err := c.client.DangerousInternals().SendIQ(within(t), whatsmeow.DangerousInfoQuery{
		Namespace: "w:sync:app:state", Type: "set", To: types.ServerJID,
		Content: []waBinary.Node{{Tag: "sync", Content: []waBinary.Node{collection}}},
	})
	require.NoError(t, err)
	refusal, refused := answer.GetOptionalChildByTag("sync", "collection", "error")
	require.True(t, refused)
	require.Equal(t, "400", refusal.Attrs["code"])
}

func TestUnderANewKeyAnEntryReplacesItsOldOne(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	require.NoError(t, a.Pin(t.Context(), bob, true))
	c, _ := newReader(t, sim)
	c.pair(a)
	require.Equal(t, []string{b.LID().User}, upToSync(t, c, appstate.WAPatchRegularLow))
	a.RotateAppStateKey(t.Context())
	require.NoError(t, a.Pin(t.Context(), bob, false))
	require.False(t, next[*events.Pin](c).Action.GetPinned())
	for range 8 {
		require.NoError(t, a.Pin(t.Context(), bob, true))
		require.True(t, next[*events.Pin](c).Action.GetPinned())
	}
	require.Equal(t, []string{b.LID().User}, fullSync(t, c, appstate.WAPatchRegularLow), "from the snapshot")

	a.RotateAppStateKey(t.Context())
	require.NoError(t, a.Archive(t.Context(), alice, false)) // makes the companion ask for the new key
	require.Eventually(t, func() bool {
		return c.client.SendAppState(within(t), appstate.BuildPin(b.LID(), false)) == nil
	}, patience, 5*time.Millisecond)
	pins := 0
	entries, err := a.AppState()
	require.NoError(t, err)
	for _, entry := range entries {
		if entry.Index[0] == appstate.IndexPin && entry.Index[1] == b.LID().String() {
			require.NotContains(t, string(entry.Value), `"pinned":true`)
			pins++
		}
	}
	require.Equal(t, 1, pins)
}
