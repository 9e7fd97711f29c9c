package simulator

import (
	"cmp"
	"fmt"
	"net/http"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

type createNewsletterBody struct {
	Owner       string `json:"owner" doc:"the owner's number"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	JPEG        []byte `json:"jpeg,omitempty" doc:"base64 of the picture"`
}

func (s *Simulator) controlCreateNewsletter(r *http.Request, body createNewsletterBody) (info NewsletterInfo, err error) {
	owner, ok := s.Phone(body.Owner)
	if !ok {
		return info, badField("owner", "no phone has the number %q", body.Owner)
	}
	jid, err := owner.CreateNewsletter(r.Context(), NewsletterOptions{body.Name, body.Description, body.JPEG})
	if err != nil {
		return info, err
	}
	info, _ = s.Newsletter(jid)
	return info, nil
}

// newsletterOf finds the newsletter that the path names.
func (s *Simulator) newsletterOf(r *http.Request) (NewsletterInfo, types.JID, error) {
	jid, err := types.ParseJID(r.PathValue("jid"))
	if err != nil {
		return NewsletterInfo{}, jid, badField("jid", "want a newsletter's JID")
	}
	info, ok := s.Newsletter(jid)
	if !ok {
		return info, jid, fmt.Errorf("%s: %w", jid, ErrUnknownNewsletter)
	}
	return info, jid, nil
}

// changeNewsletter lets a phone, the owner's if none is named, do something to the newsletter that the path names, and
// answers what became of it.
func (s *Simulator) changeNewsletter(r *http.Request, number string, do func(*Phone, types.JID) error) (info NewsletterInfo, err error) {
	info, jid, err := s.newsletterOf(r)
	if err != nil {
		return info, err
	}
	number = cmp.Or(number, info.Owner)
	p, ok := s.Phone(number)
	if !ok {
		return info, badField("by", "no phone has the number %q", number)
	}
	if err := do(p, jid); err != nil {
		return info, err
	}
	info, _ = s.Newsletter(jid)
	return info, nil
}

func (s *Simulator) controlNewsletter(r *http.Request, _ none) (NewsletterInfo, error) {
	info, _, err := s.newsletterOf(r)
	return info, err
}

type postBody struct {
	Text   string `json:"text,omitempty"`
	Edit   string `json:"edit,omitempty" doc:"id of the post that the text replaces"`
	Revoke string `json:"revoke,omitempty" doc:"id of the post to take back"`
}

// controlPost lets the owner post.
func (s *Simulator) controlPost(r *http.Request, body postBody) (made NewsletterPost, err error) {
	switch {
	case body.Revoke != "" && (body.Edit != "" || body.Text != ""):
		return made, badField("revoke", "stands alone")
	case body.Revoke == "" && body.Text == "":
		return made, badField("text", "missing")
	}
	_, err = s.changeNewsletter(r, "", func(p *Phone, jid types.JID) (err error) {
		words := &waE2E.Message{Conversation: proto.String(body.Text)}
		switch {
		case body.Revoke != "":
			made, err = p.EditNewsletterPost(r.Context(), jid, body.Revoke, nil)
		case body.Edit != "":
			made, err = p.EditNewsletterPost(r.Context(), jid, body.Edit, words)
		default:
			made, err = p.PostToNewsletter(r.Context(), jid, words)
		}
		return err
	})
	return made, err
}

// reader is who reads a newsletter.
type reader struct {
	By string `json:"by" doc:"the number of the phone that does it"`
}

func (b reader) check() error {
	if b.By == "" {
		return badField("by", "missing")
	}
	return nil
}

type followBody struct {
	reader
	Undo bool `json:"undo,omitempty" doc:"ends it"`
}

func (s *Simulator) controlFollow(r *http.Request, body followBody) (NewsletterInfo, error) {
	if err := body.check(); err != nil {
		return NewsletterInfo{}, err
	}
	return s.changeNewsletter(r, body.By, func(p *Phone, jid types.JID) error {
		return p.FollowNewsletter(r.Context(), jid, !body.Undo)
	})
}

type reactBody struct {
	reader
	Server int64  `json:"serverId" doc:"of the post"`
	Emoji  string `json:"emoji,omitempty" doc:"takes the reaction back if left out"`
}

func (s *Simulator) controlReact(r *http.Request, body reactBody) (NewsletterInfo, error) {
	if err := body.check(); err != nil {
		return NewsletterInfo{}, err
	}
	return s.changeNewsletter(r, body.By, func(p *Phone, jid types.JID) error {
		return p.ReactToPost(r.Context(), jid, body.Server, body.Emoji)
	})
}

type seenBody struct {
	reader
	Server int64 `json:"serverId" doc:"of the post"`
}

func (s *Simulator) controlSeen(r *http.Request, body seenBody) (NewsletterInfo, error) {
	if err := body.check(); err != nil {
		return NewsletterInfo{}, err
	}
	return s.changeNewsletter(r, body.By, func(p *Phone, jid types.JID) error {
		return p.ViewPost(r.Context(), jid, body.Server)
	})
}
