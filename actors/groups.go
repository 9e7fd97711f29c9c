package actors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"go.uber.org/zap"

	"whatsapp-web-server/persist"
)

// Roles of a group's members.
const (
	roleMember     = "member"
	roleAdmin      = "admin"
	roleSuperAdmin = "superadmin"
)

// maxMembers is more than WhatsApp allows in a group, which is 1,024, and in the
// announcements of a community.
const maxMembers = 8192

// askForGroups learns what groups the account is in, once for each device: what
// changes later is told. It goes on beside everything else, and is tried again on
// the next connection.
func (a *Account) askForGroups() {
	l := a.link
	err := Do(a.history, func(context.Context) (struct{}, error) { return struct{}{}, l.learnGroups() },
		func(_ struct{}, err error) {
			if err != nil && !l.ended() {
				a.log.Warn("groups were not learnt", zap.Error(err))
			}
		})
	if err != nil {
		a.log.Warn("groups were not learnt", zap.Error(err))
	}
}

func (l *link) learnGroups() error {
	journal, scope := l.inbound.ledger.journal, l.inbound.people.scope
	_, err := persist.Counters.Get(l.ctx, journal, scope, persist.CountGroups)
	if !errors.Is(err, persist.ErrNotFound) {
		return err // nil: they are known
	}
	groups, err := l.client.GetJoinedGroups(l.ctx)
	if err != nil {
		return fmt.Errorf("ask for groups: %w", err)
	}
	for _, group := range groups {
		if err := l.inbound.group(l.ctx, group); err != nil {
			return err
		}
	}
	return l.inbound.ledger.record(l.ctx, func(u *unit) error {
		u.Put(persist.Counters.Put(persist.Counter{Name: persist.CountGroups, Value: int64(len(groups))}))
		return nil
	})
}

// group stores a group as WhatsApp has it now: its names and who is in it. What has
// not changed is not written.
func (in *inbound) group(ctx context.Context, info *types.GroupInfo) error {
	return in.storeGroup(ctx, info, func(*unit) error { return nil })
}

// storeGroup is group, and what else belongs to the same change.
func (in *inbound) storeGroup(ctx context.Context, info *types.GroupInfo, also func(*unit) error) error {
	members, err := persist.GroupParticipants.Scan(ctx, in.ledger.journal, persist.Query{
		Scope: in.people.scope, Prefix: persist.GroupParticipants.Key(info.JID.String()), Limit: maxMembers,
	})
	if err != nil {
		return err
	}
	left := make(map[string]string, len(members))
	for _, member := range members {
		left[member.JID] = member.Role
	}
	return in.ledger.record(ctx, func(u *unit) error {
		if err := in.rename(ctx, u, info.JID, &info.Name, &info.Topic); err != nil {
			return err
		}
		if err := in.disappear(ctx, u, info.JID, info.DisappearingTimer, in.ledger.now()); err != nil {
			return err
		}
		for _, participant := range info.Participants {
			if participant.Error != 0 {
				continue // a founder is told so of who could not be added
			}
			member, err := in.member(ctx, u, info.JID, participant)
			if err != nil {
				return err
			}
			if left[member.JID] != member.Role {
				u.Put(persist.GroupParticipants.Put(member))
			}
			delete(left, member.JID)
		}
		for jid := range left {
			u.Put(persist.GroupParticipants.Remove(info.JID.String(), jid))
		}
		if err := also(u); err != nil {
			return err
		}
		return in.reconsider(ctx, u, info.JID)
	})
}

func (in *inbound) member(ctx context.Context, u *unit, group types.JID, p types.GroupParticipant) (persist.GroupParticipant, error) {
	jid := p.PhoneNumber
	if jid.IsEmpty() {
		jid = p.JID
	}
	jid, err := in.people.canonical(ctx, u, jid)
	member := persist.GroupParticipant{Group: group.String(), JID: jid.String(), Role: roleMember}
	switch {
	case p.IsSuperAdmin:
		member.Role = roleSuperAdmin
	case p.IsAdmin:
		member.Role = roleAdmin
	}
	return member, err
}

// groupChanged stores what has changed of a group, and tells it.
func (in *inbound) groupChanged(ctx context.Context, evt *events.GroupInfo) error {
	var name, topic *string
	if evt.Name != nil {
		name = &evt.Name.Name
	}
	if evt.Topic != nil {
		topic = &evt.Topic.Topic
	}
	return in.ledger.record(ctx, func(u *unit) error {
		if err := in.rename(ctx, u, evt.JID, name, topic); err != nil {
			return err
		}
		if evt.Ephemeral != nil {
			if err := in.disappear(ctx, u, evt.JID, evt.Ephemeral.DisappearingTimer, evt.Timestamp); err != nil {
				return err
			}
		}
		for _, change := range []struct {
			who  []types.JID
			role string
		}{{evt.Join, roleMember}, {evt.Promote, roleAdmin}, {evt.Demote, roleMember}, {evt.Leave, ""}} {
			for _, jid := range change.who {
				if err := in.enrol(ctx, u, evt.JID, jid, change.role); err != nil {
					return err
				}
			}
		}
		if err := in.tellGroup(ctx, u, evt); err != nil {
			return err
		}
		return in.reconsider(ctx, u, evt.JID)
	})
}

// enrol gives somebody a role in a group, under the canonical address alone; an
// empty one takes them out.
func (in *inbound) enrol(ctx context.Context, u *unit, group, jid types.JID, role string) error {
	canonical, err := in.people.canonical(ctx, u, jid)
	if err != nil {
		return err
	}
	other, err := in.people.other(ctx, u, canonical)
	if err != nil {
		return err
	}
	for _, former := range []types.JID{canonical, other} {
		if !former.IsEmpty() {
			u.Put(persist.GroupParticipants.Remove(group.String(), former.String()))
		}
	}
	if role != "" {
		u.Put(persist.GroupParticipants.Put(persist.GroupParticipant{Group: group.String(), JID: canonical.String(), Role: role}))
	}
	return nil
}

// role is what somebody may do in a group; empty if they are not known to be in it.
func (in *inbound) role(ctx context.Context, u *unit, group, jid types.JID) (string, error) {
	member, found, err := lookup(ctx, u, persist.GroupParticipants, group.String(), jid.String())
	if err != nil || found {
		return member.Role, err
	}
	other, err := in.people.other(ctx, u, jid)
	if err != nil || other.IsEmpty() {
		return "", err
	}
	member, _, err = lookup(ctx, u, persist.GroupParticipants, group.String(), other.String())
	return member.Role, err
}

// rename gives a group's chat its subject and description; nil leaves what is there.
func (in *inbound) rename(ctx context.Context, u *unit, group types.JID, name, description *string) error {
	chat, found, err := lookup(ctx, u, persist.Chats, group.String())
	if err != nil {
		return err
	}
	changed := chat
	changed.JID = group.String()
	changed.Name = *cmp.Or(name, &chat.Name)
	changed.Description = *cmp.Or(description, &chat.Description)
	if found && changed == chat {
		return nil
	}
	if !found {
		u.Count(persist.CountChats, 1)
	}
	u.Put(persist.Chats.Put(changed))
	return nil
}

// disappear notes after how many seconds the messages of a group disappear.
func (in *inbound) disappear(ctx context.Context, u *unit, group types.JID, seconds uint32, since time.Time) error {
	setting, found, err := lookup(ctx, u, persist.ChatSettings, group.String())
	if err != nil || setting.Disappearing == int64(seconds) {
		return err
	}
	if !found {
		setting.JID = group.String()
	}
	setting.Disappearing, setting.DisappearingSince = int64(seconds), since
	u.Put(persist.ChatSettings.Put(setting))
	return nil
}

// reconsider judges deletions anew that came before their sender's role was known.
func (in *inbound) reconsider(ctx context.Context, u *unit, group types.JID) error {
	if !in.waiting.any() {
		return nil
	}
	return in.release(ctx, u, group.String())
}
