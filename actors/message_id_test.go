package actors

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors/media"
	"whatsapp-web-server/actors/media/mediatest"
)

func TestTheCallerChoosesTheIDOfAMessage(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	c := h.threadIn(t, h.friend.Number())
	ask := func(command Send) (Sent, error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		command.To, command.Wait = c.chat, patience
		return Ask[Sent](ctx, c.current(), command)
	}
	const first, second, reacted, tomorrow = "0123456789ABCDEF", "A5B0123456789ABCDEF0123456789ABC", "3EB0000000000000000001", "3EB0000000000000000002"
	for _, command := range []Send{
		{ID: first, Draft: Text{"one"}, Key: "k", RequestHash: [32]byte{1}},
		{ID: second, Draft: File{Kind: media.Image, Content: fileOf(t, mediatest.PNG(8, 8))}},
		{ID: reacted, Draft: Reaction{c.theirs, "👍"}},
		{ID: tomorrow, Draft: Text{"later"}, Delivery: Delivery{SendAt: time.Now().Add(24 * time.Hour)}},
	} {
		sent, err := ask(command)
		require.NoError(t, err)
		require.Equal(t, command.ID, sent.MessageID)
		if command.ID == tomorrow {
			continue
		}
		require.Equal(t, "sent", sent.Status)
		until(t, "the phone has it under this id", func() bool { _, err := c.friend.Message(command.ID); return err == nil })
	}

	again, err := ask(Send{ID: first, Draft: Text{"one"}, Key: "k", RequestHash: [32]byte{1}})
	require.NoError(t, err)
	require.True(t, again.Replayed)
	uploads, stored := len(h.uploads(t)), len(h.stored(t))
	for _, id := range []string{first, second, reacted, tomorrow, c.theirs} {
		for _, draft := range []Draft{Text{"another"}, File{Kind: media.Image, Content: fileOf(t, mediatest.PNG(9, 9))}} {
			_, err := ask(Send{ID: id, Draft: draft})
			require.Equal(t, CodeMessageIDUsed, CodeOf(err), "%s: %v", id, err)
		}
	}
	for _, id := range []string{"0123456789ABCDE", first + first + "0", "0123456789abcdef", "0123456789ABCDEG"} {
		_, err := ask(Send{ID: id, Draft: Text{"another"}})
		require.Equal(t, CodeInvalidRequest, CodeOf(err), id)
	}
	require.Len(t, h.uploads(t), uploads)
	require.Len(t, h.stored(t), stored)
}
