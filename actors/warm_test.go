package actors

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
)

func TestAGroupWhoseKeysAreSlowlyFetchedHoldsUpNoOtherMessage(t *testing.T) {
	h := newLinkedHome(t)
	require.Equal(t, "sent", insist[Sent](t, h, h.toFriend("hello", Delivery{})).Status)
	var members []string
	for n := range 4 {
		member, err := h.world.AddPhone(fmt.Sprintf("319%08d", n), "Member")
		require.NoError(t, err)
		members = append(members, member.Number())
	}
	group, err := h.owner.CreateGroup(t.Context(), simulator.GroupOptions{Subject: "Many", Members: members})
	require.NoError(t, err)
	h.fault(t, simulator.Fault{Op: "iq", Action: "delay", Request: "encrypt", Delay: 3 * time.Second, Times: 1})
	slow := insist[Sent](t, h, Send{To: group.String(), Draft: Text{Body: "to all"}})
	require.Equal(t, "sent", insist[Sent](t, h, h.toFriend("meanwhile", Delivery{})).Status)
	waiting := h.outbox(t)
	require.Len(t, waiting, 1, "the group's message is still on its way")
	require.Equal(t, slow.MessageID, waiting[0].MessageID)
	until(t, "the group's message is sent", func() bool { return len(h.outbox(t)) == 0 })
}
