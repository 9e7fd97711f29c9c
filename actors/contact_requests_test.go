package actors

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types"
)

func TestNumbersAreCheckedInTheirOrder(t *testing.T) {
	h := newLinkedHome(t)
	checked := answered[CheckedNumbers](t, h, CheckNumbers{[]string{"31699999999", "+" + h.friend.Number()}}).Numbers
	require.Equal(t, CheckedNumber{Asked: "31699999999"}, checked[0])
	require.True(t, checked[1].OnWhatsApp)
	require.Equal(t, h.friend.Number(), checked[1].Asked)
	require.Equal(t, h.friend.Number(), checked[1].Number)
	require.Equal(t, h.friend.LID().String(), checked[1].LID)
	require.Equal(t, "numbers", declined(t, h, CheckNumbers{}).Field)
	require.Equal(t, "numbers", declined(t, h, CheckNumbers{[]string{"nobody"}}).Field)
	require.Equal(t, "numbers", declined(t, h, CheckNumbers{make([]string, MaxChecked+1)}).Field)
}

func TestABlockedContactIsListedUntilItIsNot(t *testing.T) {
	h := newLinkedHome(t)
	require.Empty(t, answered[BlockedContacts](t, h, ListBlocked{}).Contacts)
	blocked := answered[BlockedContacts](t, h, BlockContact{h.friend.Number(), true}).Contacts
	require.Len(t, blocked, 1)
	require.Equal(t, h.friend.Number(), blocked[0].Number)
	require.Equal(t, blocked, answered[BlockedContacts](t, h, ListBlocked{}).Contacts)
	require.Empty(t, answered[BlockedContacts](t, h, BlockContact{h.friend.LID().String(), false}).Contacts)
	require.Equal(t, "contactId", declined(t, h, BlockContact{"120363012345678901@g.us", true}).Field)
}

func TestAnAccountThatIsAvailableShowsASecondTick(t *testing.T) {
	h := newLinkedHome(t)
	until(t, "the account has a name to show", func() bool { return insist[Status](t, h, GetStatus{}).Name != "" })
	answered[Done](t, h, SetPresence{true})
	id, err := h.friend.SendText(t.Context(), h.owner.Number(), "hello")
	require.NoError(t, err)
	companion := h.owner.Devices()[0].String()
	until(t, "the account's device has it, and shows so", func() bool {
		for _, receipt := range h.friend.Receipts(0) {
			if receipt.From == companion && receipt.IDs[0] == id {
				return receipt.Type == string(types.ReceiptTypeDelivered)
			}
		}
		return false
	})
}
