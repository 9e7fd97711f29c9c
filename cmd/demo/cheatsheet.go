package main

import "strings"

// recipe is something to try: lines for a shell, each of which works by itself.
type recipe struct {
	title    string
	commands []string
}

// cheatSheet is what can be tried after the story, in this order.
func (s *stage) cheatSheet() []recipe {
	fill := strings.NewReplacer(
		"REST", "http://"+s.server.REST, "PHONES", s.world.ControlURL(),
		"JSON", "-H 'Content-Type: application/json' -d",
		"SHOP", shop, "OFFICE", office, "ANN", ann, "DESK", desk,
	).Replace
	recipes := []recipe{
		{"See how the accounts are.", []string{
			`curl -s REST/api/clients/status`,
		}},
		{"Send to Ann, whose phone now echoes what it gets.", []string{
			`curl -s REST/api/messages/send JSON '{"accountNumber":"SHOP","chatId":"ANN@c.us","message":{"text":"Hello"}}'`,
		}},
		{"Write from Ann's phone; see what it got.", []string{
			`curl -s PHONES/phones/ANN/messages -d '{"to":"SHOP","text":"Are you open?"}'`,
			`curl -s PHONES/phones/ANN/messages`,
		}},
		{"Read what has been stored: chats, messages, contacts.", []string{
			`curl -s REST/api/conversations/SHOP`,
			`curl -s REST/api/messages/SHOP/ANN@c.us`,
			`curl -s REST/api/contacts/SHOP`,
		}},
		{"Link a third account: show its code, then scan it.", []string{
			`curl -s REST/api/clients/initialize JSON '{"accountNumber":"DESK"}'`,
			`sleep 1; curl -s REST/api/clients/DESK/qr | sed 's/.*"qr":"\([^"]*\)".*/{"qr":"\1"}/' | curl -s PHONES/phones/DESK/scan -d @-`,
		}},
		{"Stop an account, and bring it back without a new code.", []string{
			`curl -s -X DELETE REST/api/clients/OFFICE/disconnect`,
			`curl -s REST/api/clients/initialize JSON '{"accountNumber":"OFFICE"}'`,
		}},
	}
	for _, recipe := range recipes {
		for i, command := range recipe.commands {
			recipe.commands[i] = fill(command)
		}
	}
	return recipes
}

// lastLine stands above what happens from then on.
const lastLine = "Events show here as they come. Ctrl-C ends it."

// cheatSheet prints what can be tried.
func (s *screen) cheatSheet(recipes []recipe) {
	s.printf("\nNow it is yours. In another terminal:")
	for _, recipe := range recipes {
		s.printf("\n%s", s.paint(bold, "# "+recipe.title))
		for _, command := range recipe.commands {
			s.printf("%s", command)
		}
	}
	s.printf("\n%s", lastLine)
}
