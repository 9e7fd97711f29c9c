package actors

import (
	"context"
	"slices"
	"time"

	"go.mau.fi/whatsmeow/types"
)

// Privacy is who may see and do what; as a change, what is empty stays.
type Privacy struct {
	LastSeen       string `json:"lastSeen,omitempty" enum:"all,contacts,contact_blacklist,none" doc:"who sees when the account was online last"`
	Online         string `json:"online,omitempty" enum:"all,match_last_seen" doc:"who sees that it is online"`
	ProfilePicture string `json:"profilePicture,omitempty" enum:"all,contacts,contact_blacklist,none"`
	About          string `json:"about,omitempty" enum:"all,contacts,contact_blacklist,none" doc:"who sees the text under the name"`
	ReadReceipts   string `json:"readReceipts,omitempty" enum:"all,none" doc:"none tells nobody what was read, nor the account"`
	GroupAdd       string `json:"groupAdd,omitempty" enum:"all,contacts,contact_blacklist,none" doc:"who adds the account to groups; others invite it"`
	CallAdd        string `json:"callAdd,omitempty" enum:"all,known" doc:"whose calls ring"`
	Messages       string `json:"messages,omitempty" enum:"all,contacts" doc:"who may write to the account"`
	Defense        string `json:"defense,omitempty" enum:"on_standard,off" doc:"the strict settings against attacks"`
	Stickers       string `json:"stickers,omitempty" enum:"contacts,contact_allowlist,none"`
}

// privacySetting is one of WhatsApp's settings, with its place in [Privacy].
type privacySetting struct {
	name   types.PrivacySettingType
	field  string
	in     func(*Privacy) *string
	of     func(*types.PrivacySettings) types.PrivacySetting
	values []string
}

// Values that several settings have (whatsmeow, types.PrivacySettingType).
var audiences = []string{"all", "contacts", "contact_blacklist", "none"}

var privacySettings = []privacySetting{
	{
		types.PrivacySettingTypeLastSeen, "lastSeen", func(p *Privacy) *string { return &p.LastSeen },
		func(s *types.PrivacySettings) types.PrivacySetting { return s.LastSeen }, audiences,
	},
	{
		types.PrivacySettingTypeOnline, "online", func(p *Privacy) *string { return &p.Online },
		func(s *types.PrivacySettings) types.PrivacySetting { return s.Online },
		[]string{"all", "match_last_seen"},
	},
	{
		types.PrivacySettingTypeProfile, "profilePicture", func(p *Privacy) *string { return &p.ProfilePicture },
		func(s *types.PrivacySettings) types.PrivacySetting { return s.Profile }, audiences,
	},
	{
		types.PrivacySettingTypeStatus, "about", func(p *Privacy) *string { return &p.About },
		func(s *types.PrivacySettings) types.PrivacySetting { return s.Status }, audiences,
	},
	{
		types.PrivacySettingTypeReadReceipts, "readReceipts", func(p *Privacy) *string { return &p.ReadReceipts },
		func(s *types.PrivacySettings) types.PrivacySetting { return s.ReadReceipts },
		[]string{"all", "none"},
	},
	{
		types.PrivacySettingTypeGroupAdd, "groupAdd", func(p *Privacy) *string { return &p.GroupAdd },
		func(s *types.PrivacySettings) types.PrivacySetting { return s.GroupAdd }, audiences,
	},
	{
		types.PrivacySettingTypeCallAdd, "callAdd", func(p *Privacy) *string { return &p.CallAdd },
		func(s *types.PrivacySettings) types.PrivacySetting { return s.CallAdd },
		[]string{"all", "known"},
	},
	{
		types.PrivacySettingTypeMessages, "messages", func(p *Privacy) *string { return &p.Messages },
		func(s *types.PrivacySettings) types.PrivacySetting { return s.Messages },
		[]string{"all", "contacts"},
	},
	{
		types.PrivacySettingTypeDefense, "defense", func(p *Privacy) *string { return &p.Defense },
		func(s *types.PrivacySettings) types.PrivacySetting { return s.Defense },
		[]string{"on_standard", "off"},
	},
	{
		types.PrivacySettingTypeStickers, "stickers", func(p *Privacy) *string { return &p.Stickers },
		func(s *types.PrivacySettings) types.PrivacySetting { return s.Stickers },
		[]string{"contacts", "contact_allowlist", "none"},
	},
}

// GetPrivacy asks for the account's privacy settings; the reply is a [Privacy].
type GetPrivacy struct{}

func (GetPrivacy) perform(ctx context.Context, l *link) (any, error) { return l.privacy(ctx) }

func (l *link) privacy(ctx context.Context) (privacy Privacy, err error) {
	settings, err := l.client.TryFetchPrivacySettings(ctx, true)
	if err != nil {
		return privacy, err
	}
	for _, setting := range privacySettings {
		*setting.in(&privacy) = string(setting.of(settings))
	}
	return privacy, nil
}

// SetPrivacy changes the settings that are given; the reply is the [Privacy] as it
// is then.
type SetPrivacy struct{ Change Privacy }

func (r SetPrivacy) perform(ctx context.Context, l *link) (any, error) {
	if r.Change == (Privacy{}) {
		return nil, refuseInput("privacy", "expected at least one setting")
	}
	for _, setting := range privacySettings {
		value := *setting.in(&r.Change)
		if value != "" && !slices.Contains(setting.values, value) {
			return nil, refuseInput(setting.field, "expected one of %v", setting.values)
		}
	}
	for _, setting := range privacySettings {
		value := *setting.in(&r.Change)
		if value == "" {
			continue
		}
		if _, err := l.client.SetPrivacySetting(ctx, setting.name, types.PrivacySetting(value)); err != nil {
			return nil, changed(err)
		}
	}
	return l.privacy(ctx)
}

// SetDefaultTimer has the messages of new chats disappear after some time, 0 for
// never; the reply is [Done].
type SetDefaultTimer struct{ Seconds uint32 }

func (r SetDefaultTimer) perform(ctx context.Context, l *link) (any, error) {
	if err := checkTimer("seconds", r.Seconds); err != nil {
		return nil, err
	}
	return Done{}, changed(l.client.SetDefaultDisappearingTimer(ctx, time.Duration(r.Seconds)*time.Second))
}

// GetStatusPrivacy asks who gets to see what the account posts as its status; the
// reply is a [StatusAudience].
type GetStatusPrivacy struct{}

// StatusAudience is who gets to see a status.
type StatusAudience struct {
	Audience string   `json:"audience" enum:"contacts,blacklist,whitelist" doc:"all contacts; all but those listed; only those listed"`
	People   []Member `json:"people" doc:"who is listed"`
}

func (GetStatusPrivacy) perform(ctx context.Context, l *link) (any, error) {
	found, err := l.client.GetStatusPrivacy(ctx)
	if err != nil {
		return nil, err
	}
	usual := found[0] // whatsmeow gives at least one, the default first
	people, err := l.members(ctx, usual.List)
	return StatusAudience{string(usual.Type), people}, err
}
