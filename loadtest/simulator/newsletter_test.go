package simulator_test

import (
	"encoding/base64"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// readership is a newsletter of Alice's that Bob follows; both have a companion.
type readership struct {
	sim              *simulator.Simulator
	jid              types.JID
	phoneA, phoneB   *simulator.Phone
	owner, reader    *companion
	ownerCl, readers *whatsmeow.Client
}

func newReadership(t *testing.T) readership {
	t.Helper()
	r := readership{sim: simulatortest.Start(t)}
	r.phoneA, r.phoneB = addPhone(t, r.sim, alice), addPhone(t, r.sim, bob)
	r.owner, r.reader = newCompanion(t, r.sim).pair(r.phoneA), newCompanion(t, r.sim).pair(r.phoneB)
	r.ownerCl, r.readers = r.owner.client, r.reader.client
	jid, err := r.phoneA.CreateNewsletter(t.Context(), simulator.NewsletterOptions{Name: "Daily"})
	require.NoError(t, err)
	r.jid = jid
	require.NoError(t, r.phoneB.FollowNewsletter(t.Context(), jid, true))
	require.Equal(t, jid, next[*events.NewsletterJoin](r.reader).ID)
	return r
}

func words(text string) *waE2E.Message { return &waE2E.Message{Conversation: proto.String(text)} }

func TestACompanionCreatesANewsletterThatOthersFollow(t *testing.T) {
	sim := simulatortest.Start(t)
	owner := newCompanion(t, sim).pair(addPhone(t, sim, alice))
	reader := newCompanion(t, sim).pair(addPhone(t, sim, bob))
	cover := photo(t, 200, 100)
	made, err := owner.client.CreateNewsletter(within(t), whatsmeow.CreateNewsletterParams{Name: "Daily", Description: "All that is fit", Picture: cover})
	require.NoError(t, err)
	require.Equal(t, types.NewsletterRoleOwner, made.ViewerMeta.Role)

	found, err := reader.client.GetNewsletterInfoWithInvite(within(t), whatsmeow.NewsletterLinkPrefix+made.ThreadMeta.InviteCode)
	require.NoError(t, err)
	require.Equal(t, made.ID, found.ID)
	require.Nil(t, found.ViewerMeta)
	require.Equal(t, "Daily", found.ThreadMeta.Name.Text)
	require.Equal(t, "All that is fit", found.ThreadMeta.Description.Text)
	require.Equal(t, types.NewsletterStateActive, found.State.Type)
	require.WithinDuration(t, time.Now(), found.ThreadMeta.CreationTime.Time, time.Minute)
	require.Equal(t, cover, fetch(t, found.ThreadMeta.Picture.URL))

	require.NoError(t, reader.client.FollowNewsletter(within(t), made.ID))
	joined := next[*events.NewsletterJoin](reader)
	require.Equal(t, made.ID, joined.ID)
	require.Equal(t, types.NewsletterRoleSubscriber, joined.ViewerMeta.Role)
	followed, err := reader.client.GetSubscribedNewsletters(within(t))
	require.NoError(t, err)
	require.Len(t, followed, 1)
	require.Equal(t, 2, followed[0].ThreadMeta.SubscriberCount)

	require.NoError(t, reader.client.NewsletterToggleMute(within(t), made.ID, true))
	muted := next[*events.NewsletterMuteChange](reader)
	require.Equal(t, made.ID, muted.ID)
	require.Equal(t, types.NewsletterMuteOn, muted.Mute)
	seen, err := reader.client.GetNewsletterInfo(within(t), made.ID)
	require.NoError(t, err)
	require.Equal(t, types.NewsletterMuteOn, seen.ViewerMeta.Mute)
	require.NoError(t, reader.client.NewsletterToggleMute(within(t), made.ID, false))
	require.Equal(t, types.NewsletterMuteOff, next[*events.NewsletterMuteChange](reader).Mute)

	require.NoError(t, reader.client.UnfollowNewsletter(within(t), made.ID))
	left := next[*events.NewsletterLeave](reader)
	require.Equal(t, made.ID, left.ID)
	require.Equal(t, types.NewsletterRoleGuest, left.Role)
	followed, err = reader.client.GetSubscribedNewsletters(within(t))
	require.NoError(t, err)
	require.Empty(t, followed)
}

func TestWhatANewsletterRefuses(t *testing.T) {
	r := newReadership(t)
	nowhere := types.NewJID("120000000000000000", types.NewsletterServer)
	_, err := r.readers.GetNewsletterInfo(within(t), nowhere)
	require.ErrorContains(t, err, "404")
	require.ErrorContains(t, r.readers.FollowNewsletter(within(t), nowhere), "404")
	_, err = r.readers.GetNewsletterMessages(within(t), nowhere, nil)
	require.ErrorIs(t, err, whatsmeow.ErrIQNotFound)
	_, err = r.readers.NewsletterSubscribeLiveUpdates(within(t), nowhere)
	require.ErrorIs(t, err, whatsmeow.ErrIQNotFound)
	_, err = r.readers.GetNewsletterMessageUpdates(within(t), nowhere, nil)
	require.ErrorIs(t, err, whatsmeow.ErrIQNotFound)
	_, err = r.readers.SendMessage(within(t), r.jid, words("mine"))
	require.ErrorContains(t, err, "403")
	_, err = r.ownerCl.SendMessage(within(t), r.jid, r.ownerCl.BuildEdit(r.jid, "3A00", words("of nothing")))
	require.ErrorContains(t, err, "404")
	require.ErrorContains(t, r.ownerCl.UnfollowNewsletter(within(t), r.jid), "403")
	require.NoError(t, r.readers.UnfollowNewsletter(within(t), r.jid))
	require.ErrorContains(t, r.readers.NewsletterToggleMute(within(t), r.jid, true), "403")
	_, err = r.ownerCl.CreateNewsletter(within(t), whatsmeow.CreateNewsletterParams{Name: " "})
	require.ErrorContains(t, err, "400")
	_, err = r.ownerCl.CreateNewsletter(within(t), whatsmeow.CreateNewsletterParams{Name: "x", Picture: []byte("no picture")})
	require.ErrorContains(t, err, "400")
}

func TestAPostHasToNameItsFile(t *testing.T) {
	r := newReadership(t)
	file := []byte("a picture")
	told, err := r.ownerCl.UploadNewsletter(within(t), file, whatsmeow.MediaImage)
	require.NoError(t, err)
	picture := &waE2E.Message{ImageMessage: &waE2E.ImageMessage{
		URL: &told.URL, DirectPath: &told.DirectPath, FileSHA256: told.FileSHA256, FileLength: &told.FileLength,
	}}
	for _, handle := range []string{"", "another"} {
		_, err = r.ownerCl.SendMessage(within(t), r.jid, picture, whatsmeow.SendRequestExtra{MediaHandle: handle})
		require.ErrorContains(t, err, "400", handle)
	}
	posted, err := r.ownerCl.SendMessage(within(t), r.jid, picture, whatsmeow.SendRequestExtra{MediaHandle: told.Handle})
	require.NoError(t, err)
	shown, _, err := r.sim.NewsletterFile(r.jid, posted.ID)
	require.NoError(t, err)
	require.Equal(t, file, shown)
}

func TestPostsReachFollowersAndCanBeReadLater(t *testing.T) {
	r := newReadership(t)
	first, err := r.ownerCl.SendMessage(within(t), r.jid, words("first"))
	require.NoError(t, err)
	got := r.reader.nextText()
	require.Equal(t, r.jid, got.Info.Chat)
	require.Equal(t, r.jid, got.Info.Sender)
	require.Equal(t, first.ServerID, got.Info.ServerID)
	require.Equal(t, first.ID, got.Info.ID)
	require.Equal(t, "first", got.Message.GetConversation())

	again, err := r.ownerCl.SendMessage(within(t), r.jid, words("first"), whatsmeow.SendRequestExtra{ID: first.ID})
	require.NoError(t, err)
	require.Equal(t, first.ServerID, again.ServerID, "a repetition is the same post")
	second, err := r.phoneA.PostToNewsletter(t.Context(), r.jid, words("second"))
	require.NoError(t, err)
	require.Equal(t, "second", r.reader.nextText().Message.GetConversation())
	require.Equal(t, "second", r.owner.nextText().Message.GetConversation())

	edited, err := r.ownerCl.SendMessage(within(t), r.jid, r.ownerCl.BuildEdit(r.jid, first.ID, words("corrected")))
	require.NoError(t, err)
	require.Equal(t, first.ID, edited.ID)
	correction := r.reader.nextText()
	require.Equal(t, "corrected", correction.Message.GetConversation())
	require.Equal(t, first.ServerID, correction.Info.ServerID)
	require.Equal(t, types.EditAttributeAdminEdit, correction.Info.Edit)
	require.False(t, correction.NewsletterMeta.EditTS.IsZero())

	posts, err := r.readers.GetNewsletterMessages(within(t), r.jid, nil)
	require.NoError(t, err)
	require.Len(t, posts, 2)
	require.Equal(t, "corrected", posts[0].Message.GetConversation())
	require.Equal(t, second.ID, posts[1].MessageID)
	before, err := r.readers.GetNewsletterMessages(within(t), r.jid, &whatsmeow.GetNewsletterMessagesParams{Count: 5, Before: int(second.Server)})
	require.NoError(t, err)
	require.Len(t, before, 1)
	latest, err := r.readers.GetNewsletterMessages(within(t), r.jid, &whatsmeow.GetNewsletterMessagesParams{Count: 1})
	require.NoError(t, err)
	require.Equal(t, second.ID, latest[0].MessageID)

	_, err = r.ownerCl.SendMessage(within(t), r.jid, r.ownerCl.BuildRevoke(r.jid, types.EmptyJID, first.ID))
	require.NoError(t, err)
	info, _ := r.sim.Newsletter(r.jid)
	require.True(t, info.Posts[0].Revoked)
	require.Equal(t, "second", info.Posts[1].Text)
}

func TestAPostIsDeliveredToWhoWasAway(t *testing.T) {
	r := newReadership(t)
	r.readers.Disconnect()
	_, err := r.phoneA.PostToNewsletter(t.Context(), r.jid, words("while you were away"))
	require.NoError(t, err)
	require.NoError(t, r.readers.Connect())
	require.Equal(t, "while you were away", r.reader.nextText().Message.GetConversation())
}

func TestWhatIsReadOfANewsletterIsToldToTheOtherCompanionsAlone(t *testing.T) {
	r := newReadership(t)
	sibling := newCompanion(t, r.sim).pair(r.phoneB)
	posted, err := r.ownerCl.SendMessage(within(t), r.jid, words("read me"))
	require.NoError(t, err)
	r.reader.nextText()
	require.NoError(t, r.readers.MarkRead(within(t), []types.MessageID{posted.ID}, time.Now(), r.jid, types.EmptyJID))
	for {
		receipt := next[*events.Receipt](sibling)
		if receipt.Chat != r.jid {
			continue
		}
		require.Equal(t, types.ReceiptTypeReadSelf, receipt.Type)
		require.Equal(t, []types.MessageID{posted.ID}, receipt.MessageIDs)
		return
	}
}

func TestReactionsAndViewsAreCountedAndShownToWhoWatches(t *testing.T) {
	r := newReadership(t)
	lasting, err := r.ownerCl.NewsletterSubscribeLiveUpdates(within(t), r.jid)
	require.NoError(t, err)
	require.Equal(t, 5*time.Minute, lasting)
	posted, err := r.ownerCl.SendMessage(within(t), r.jid, words("react!"))
	require.NoError(t, err)

	require.NoError(t, r.readers.NewsletterMarkViewed(within(t), r.jid, []types.MessageServerID{posted.ServerID, 99}))
	live := next[*events.NewsletterLiveUpdate](r.owner)
	require.Equal(t, r.jid, live.JID)
	require.Equal(t, posted.ServerID, live.Messages[0].MessageServerID)
	require.Equal(t, 1, live.Messages[0].ViewsCount)
	require.NoError(t, r.readers.NewsletterSendReaction(within(t), r.jid, posted.ServerID, "👍", ""))
	require.Equal(t, map[string]int{"👍": 1}, next[*events.NewsletterLiveUpdate](r.owner).Messages[0].ReactionCounts)
	require.NoError(t, r.phoneA.ReactToPost(t.Context(), r.jid, int64(posted.ServerID), "👍"))
	require.Equal(t, map[string]int{"👍": 2}, next[*events.NewsletterLiveUpdate](r.owner).Messages[0].ReactionCounts)
	require.NoError(t, r.readers.NewsletterSendReaction(within(t), r.jid, posted.ServerID, "", ""))
	require.Equal(t, map[string]int{"👍": 1}, next[*events.NewsletterLiveUpdate](r.owner).Messages[0].ReactionCounts)

	updates, err := r.readers.GetNewsletterMessageUpdates(within(t), r.jid, &whatsmeow.GetNewsletterUpdatesParams{Count: 10, Since: time.Now().Add(-time.Hour)})
	require.NoError(t, err)
	require.Len(t, updates, 1)
	require.Equal(t, 1, updates[0].ViewsCount)
	require.Equal(t, map[string]int{"👍": 1}, updates[0].ReactionCounts)
	require.Nil(t, updates[0].Message)
	updates, err = r.readers.GetNewsletterMessageUpdates(within(t), r.jid, &whatsmeow.GetNewsletterUpdatesParams{After: posted.ServerID})
	require.NoError(t, err)
	require.Empty(t, updates)
}

func TestTheMediaOfANewsletterIsNotEncrypted(t *testing.T) {
	r := newReadership(t)
	file := photo(t, 20, 10)
	uploaded, err := r.ownerCl.UploadNewsletter(within(t), file, whatsmeow.MediaImage)
	require.NoError(t, err)
	_, err = r.ownerCl.SendMessage(within(t), r.jid, &waE2E.Message{ImageMessage: &waE2E.ImageMessage{
		Caption: proto.String("look"), Mimetype: proto.String("image/jpeg"), URL: &uploaded.URL, DirectPath: &uploaded.DirectPath,
		FileSHA256: uploaded.FileSHA256, FileLength: &uploaded.FileLength,
	}}, whatsmeow.SendRequestExtra{MediaHandle: uploaded.Handle})
	require.NoError(t, err)
	for {
		got := next[*events.Message](r.reader)
		if got.Message.GetImageMessage() == nil {
			continue
		}
		require.Equal(t, "image", got.Info.MediaType)
		seen, err := r.readers.Download(within(t), got.Message.ImageMessage)
		require.NoError(t, err)
		require.Equal(t, file, seen)
		return
	}
}

func TestTheControlAPIRunsANewsletter(t *testing.T) {
	sim := simulatortest.Start(t)
	addPhone(t, sim, alice)
	c := newCompanion(t, sim).pair(addPhone(t, sim, bob))
	cover := base64.StdEncoding.EncodeToString(photo(t, 8, 8))
	made := call[simulator.NewsletterInfo](t, sim, "POST", "/newsletters", `{"owner":"`+alice+`","name":"Daily","jpeg":"`+cover+`"}`, http.StatusCreated)
	require.NotEmpty(t, made.Picture)
	at := "/newsletters/" + made.JID
	followed := call[simulator.NewsletterInfo](t, sim, "POST", at+"/follow", `{"by":"`+bob+`"}`, http.StatusOK)
	require.Equal(t, 2, followed.Followers)
	posted := call[simulator.NewsletterPost](t, sim, "POST", at+"/posts", `{"text":"hello readers"}`, http.StatusCreated)
	require.Equal(t, "hello readers", c.nextText().Message.GetConversation())
	call[any](t, sim, "POST", at+"/posts", `{"text":"hello, readers","edit":"`+posted.ID+`"}`, http.StatusCreated)
	require.Equal(t, "hello, readers", c.nextText().Message.GetConversation())
	call[any](t, sim, "POST", at+"/react", `{"by":"`+bob+`","serverId":100,"emoji":"👍"}`, http.StatusOK)
	call[any](t, sim, "POST", at+"/seen", `{"by":"`+bob+`","serverId":100}`, http.StatusOK)
	shown := call[simulator.NewsletterInfo](t, sim, "GET", at, "", http.StatusOK)
	require.Equal(t, 1, shown.Posts[0].Views)
	require.Equal(t, map[string]int{"👍": 1}, shown.Posts[0].Reactions)
	require.True(t, shown.Posts[0].Edited)
	require.True(t, call[simulator.NewsletterPost](t, sim, "POST", at+"/posts", `{"revoke":"`+posted.ID+`"}`, http.StatusCreated).Revoked)
	require.Equal(t, 1, call[simulator.NewsletterInfo](t, sim, "POST", at+"/follow", `{"by":"`+bob+`","undo":true}`, http.StatusOK).Followers)

	for _, row := range []struct {
		path, body string
		status     int
		names      string
	}{
		{"/newsletters", `{"owner":"1","name":"Daily"}`, 400, "owner"},
		{"/newsletters", `{"owner":"` + alice + `"}`, 400, "name"},
		{"/newsletters", `{"owner":"` + alice + `","name":"x","jpeg":"aGVsbG8="}`, 400, "JPEG"},
		{"/newsletters/12@newsletter/posts", `{"text":"x"}`, 404, "unknown newsletter"},
		{at + "/posts", `{}`, 400, "text"},
		{at + "/posts", `{"text":"x","revoke":"y"}`, 400, "revoke"},
		{at + "/posts", `{"text":"x","edit":"3A00"}`, 404, "no such post"},
		{at + "/follow", `{}`, 400, "by"},
		{at + "/follow", `{"by":"1"}`, 400, "by"},
		{at + "/follow", `{"by":"` + alice + `","undo":true}`, 409, "owner"},
		{at + "/react", `{"by":"` + bob + `","serverId":7}`, 404, "no such post"},
		{at + "/seen", `{"serverId":7}`, 400, "by"},
	} {
		answer := call[struct{ Error struct{ Message string } }](t, sim, "POST", row.path, row.body, row.status)
		require.Contains(t, answer.Error.Message, row.names, row.path+" "+row.body)
	}
}
