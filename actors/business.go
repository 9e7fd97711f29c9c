package actors

import (
	"context"

	"go.mau.fi/whatsmeow/types"
)

// GetBusiness asks what a business shows of itself; the reply is a [Business].
type GetBusiness struct{ ID string }

// Business is what a business shows of itself.
type Business struct {
	Person     Member          `json:"person"`
	Address    string          `json:"address,omitempty"`
	Email      string          `json:"email,omitempty"`
	Categories []string        `json:"categories"`
	TimeZone   string          `json:"timeZone,omitempty" doc:"of the hours"`
	Hours      []BusinessHours `json:"hours"`
}

// BusinessHours are when a business is open on a day of the week. Open and Close
// are as WhatsApp has them, minutes after midnight.
type BusinessHours struct {
	Day   string `json:"day" example:"mon"`
	Mode  string `json:"mode" doc:"specific_hours, open_24h or appointment_only"`
	Open  string `json:"open,omitempty" doc:"minutes after midnight"`
	Close string `json:"close,omitempty" doc:"minutes after midnight"`
}

func (r GetBusiness) perform(ctx context.Context, l *link) (any, error) {
	people, err := parsePeople("contactId", []string{r.ID})
	if err != nil {
		return nil, err
	}
	profile, err := l.client.GetBusinessProfile(ctx, people[0])
	if err != nil {
		return nil, businessRefused(err)
	}
	return l.business(ctx, profile)
}

// businessRefused reads a refusal. Of who is no business WhatsApp answers an empty
// profile, of which whatsmeow says in words alone what it misses.
func businessRefused(err error) error {
	if refusal := refusedBy(err); CodeOf(refusal) != CodeInternal {
		return refusal
	}
	return &Error{Code: CodeNotFound, Message: "this is no business, or it shows nothing", Cause: err}
}

func (l *link) business(ctx context.Context, profile *types.BusinessProfile) (any, error) {
	person, err := l.member(ctx, profile.JID)
	shown := Business{
		Person: person, Address: profile.Address, Email: profile.Email, TimeZone: profile.BusinessHoursTimeZone,
		Categories: []string{}, Hours: []BusinessHours{},
	}
	for _, category := range profile.Categories {
		shown.Categories = append(shown.Categories, category.Name)
	}
	for _, hours := range profile.BusinessHours {
		shown.Hours = append(shown.Hours, BusinessHours{hours.DayOfWeek, hours.Mode, hours.OpenTime, hours.CloseTime})
	}
	return shown, err
}
