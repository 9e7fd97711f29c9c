package httpapi

import "whatsapp-web-server/actors"

type pollContent struct {
	Question string   `json:"question" minLength:"1" maxLength:"255"`
	Options  []string `json:"options" minItems:"2" maxItems:"12"`
	Choices  int      `json:"choices,omitempty" minimum:"0" maximum:"12" doc:"how many options one person may choose; 0 is any number"`
}

func (c content) poll() actors.Draft {
	if c.Poll == nil {
		return nil
	}
	return actors.Poll(*c.Poll)
}

type voteContent struct {
	PollID  string   `json:"pollId" minLength:"1" maxLength:"2048" doc:"id of the poll's message"`
	Options []string `json:"options" maxItems:"12" doc:"what is chosen, by name; none takes the vote back"`
}

func (c content) vote() actors.Draft {
	if c.Vote == nil {
		return nil
	}
	return actors.Vote(*c.Vote)
}
