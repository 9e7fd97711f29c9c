package actors

import (
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/actors/media"
	"whatsapp-web-server/actors/media/mediatest"
	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/persist"
)

// file has the account give out the file of a message.
func (h *home) file(t *testing.T, chat, sender, id string) ([]byte, error) {
	t.Helper()
	message, err := persist.Messages.Get(t.Context(), h.engine.Engine, h.scope(), chat, sender, id)
	require.NoError(t, err)
	about, err := persist.MediaData.Get(t.Context(), h.engine.Engine, h.scope(), chat, sender, id)
	require.NoError(t, err)
	got, err := Ask[*media.File](t.Context(), h.current(), GetFile{message, about})
	if err != nil {
		return nil, err
	}
	defer got.Close()
	return io.ReadAll(got.Reader())
}

func TestAChannelShowsFiles(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	c, channel := h.channel(t)
	post := func(draft Draft) string { return c.taken(t, draft) }
	picture := mediatest.PNG(40, 30)
	var ids []string
	for kind, content := range map[media.Kind][]byte{
		media.Image: picture, media.Video: mediatest.MP4(1500, 320, 240, false, 10_000), media.Voice: mediatest.Opus(50, 50),
		media.Audio: mediatest.MP4(2500, 0, 0, false, 1000), media.Document: []byte("%PDF-1.7\n"), media.Sticker: mediatest.WebP(true),
	} {
		draft := File{Kind: kind, Content: fileOf(t, content)}
		if kind == media.Image || kind == media.Document {
			draft.Caption = "look"
		}
		id := post(draft)
		ids = append(ids, id)
		shown, _, err := h.world.NewsletterFile(channel, id)
		require.NoError(t, err, kind)
		require.Equal(t, content, shown, kind)
		own, err := h.file(t, channel.String(), ownOf(h), id)
		require.NoError(t, err, kind)
		require.Equal(t, content, own, kind)
	}

	again := post(File{Kind: media.Image, Content: fileOf(t, picture)})
	require.Len(t, h.uploads(t), 6, "the same file is uploaded once")
	post(Edit{again, "another caption"})
	post(Poll{Question: "When?", Options: []string{"now", "later"}})
	info, _ := h.world.Newsletter(channel)
	require.Equal(t, "poll", info.Posts[len(info.Posts)-1].Type)
	_, _, err := h.world.NewsletterFile(channel, again)
	require.NoError(t, err, "an edited post has its file still")
	post(Deletion{again})
	_, _, err = h.world.NewsletterFile(channel, again)
	require.ErrorIs(t, err, simulator.ErrNoMedia)

	sent, err := h.post(t, File{Kind: media.Image, Content: fileOf(t, picture)})
	require.NoError(t, err)
	_, file := h.arrived(t, sent.MessageID)
	require.Equal(t, picture, file, "people get it encrypted")
	for field, command := range map[string]Send{
		"message.forward.id": {To: c.chat, Draft: Forward{ChatID: h.friend.Number(), MessageID: sent.MessageID}},
		"message.viewOnce":   {To: c.chat, Draft: File{Kind: media.Image, Content: fileOf(t, picture)}, Manner: Manner{ViewOnce: true}},
		"sendAt": {
			To: c.chat, Draft: File{Kind: media.Image, Content: fileOf(t, picture)}, Delivery: Delivery{SendAt: time.Now().Add(keptUpload)},
		},
	} {
		_, err := Ask[Sent](t.Context(), h.current(), command)
		var refusal *Error
		require.ErrorAs(t, err, &refusal, field)
		require.Equal(t, CodeInvalidRequest, refusal.Code)
		require.Equal(t, field, refusal.Field)
	}
	_, err = Ask[Sent](t.Context(), h.current(), Send{To: h.friend.Number(), Draft: Forward{ChatID: c.chat, MessageID: ids[0]}})
	require.Equal(t, CodeInvalidRequest, CodeOf(err), "nor out of a channel")
}

func TestTheFileOfAChannelsPostIsDownloaded(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	channel, err := h.friend.CreateNewsletter(t.Context(), simulator.NewsletterOptions{Name: "News"})
	require.NoError(t, err)
	require.NoError(t, h.owner.FollowNewsletter(t.Context(), channel, true))
	picture := mediatest.PNG(40, 30)
	told := h.friend.UploadOpenly(t.Context(), picture)
	post, err := h.friend.PostToNewsletter(t.Context(), channel, &waE2E.Message{ImageMessage: &waE2E.ImageMessage{
		Caption: proto.String("look"), Mimetype: proto.String("image/png"), URL: &told.URL, DirectPath: &told.DirectPath,
		FileSHA256: told.FileSHA256, FileLength: &told.FileLength,
	}})
	require.NoError(t, err)
	require.Equal(t, "look", h.message(t, post.ID).Body)
	file, err := h.file(t, channel.String(), channel.String(), post.ID)
	require.NoError(t, err)
	require.Equal(t, picture, file)

	listed := insist[ChannelPostList](t, h, ListChannelPosts{ID: channel.String(), Limit: 1})
	require.Equal(t, "image/png", listed.Messages[0].Media.MIMEType)
	require.NoError(t, h.world.ExpireMedia(told.DirectPath, 410))
	_, err = h.file(t, channel.String(), channel.String(), post.ID)
	require.Equal(t, CodeMediaNotFound, CodeOf(err), "and no phone is asked for it")
}
