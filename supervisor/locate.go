package supervisor

import (
	"context"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/supervisor/ownership"
)

// Locate tells on which node an account lives, and whether that is this one. Where none
// has it, it is for this node to say so. It asks the registry of owners unless the
// account lives here.
func (s *Supervisor) Locate(ctx context.Context, account string) (node ownership.Node, here bool, err error) {
	self := s.owner.Self()
	if _, here := s.living.find(account); here {
		return self, true, nil
	}
	node, found, err := s.owner.Locate(ctx, account)
	if err != nil {
		return ownership.Node{}, false, &actors.Error{
			Code: actors.CodeRoutingUnavailable, Message: "where the account lives cannot be told", RetryAfter: claimAgain, Cause: err,
		}
	}
	return node, !found || node.Session == self.Session, nil
}

// Lives tells whether an account lives here. It asks nobody.
func (s *Supervisor) Lives(account string) bool {
	_, here := s.living.find(account)
	return here
}

// Belongs tells where an account that lives nowhere is to live, and whether that is
// here.
func (s *Supervisor) Belongs(account string) (node ownership.Node, here bool) {
	self := s.owner.Self()
	node, found := ownership.Place(s.owner.Nodes(), account)
	if !found {
		return self, true
	}
	return node, node.Session == self.Session
}

// Nodes are the nodes of the cluster, as this one knows them.
func (s *Supervisor) Nodes() []ownership.Node { return s.owner.Nodes() }

// Self is this node.
func (s *Supervisor) Self() ownership.Node { return s.owner.Self() }

// Cordon has this node take no more accounts, or take them again; with drain it gives
// its own away as well, as far as another node takes them.
func (s *Supervisor) Cordon(ctx context.Context, cordoned, drain bool) error {
	if err := s.owner.Cordon(ctx, cordoned, drain); err != nil {
		return &actors.Error{Code: actors.CodeRoutingUnavailable, RetryAfter: claimAgain, Cause: err}
	}
	s.OwnersChanged()
	return nil
}
