package redislease

import (
	"cmp"
	"context"

	"whatsapp-web-server/supervisor/ownership"
)

// Living lists the nodes of a cluster for somebody who isn't one of them. URL and prefix
// are as in [Config]. A node that has crashed lives until its lease ends.
func Living(ctx context.Context, url, prefix string) (nodes []ownership.Node, err error) {
	client, err := Dial(ctx, url, 1, callTimeout)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	found, err := livingScript.Run(ctx, client, []string{nodesKey(cmp.Or(prefix, defaultPrefix))}).StringSlice()
	if err != nil {
		return nil, unavailable(err)
	}
	for i := 3; i < len(found); i += 2 { // each behind its session
		if node, err := decode(found[i]); err == nil { // else it is over, or a later program's
			nodes = append(nodes, node)
		}
	}
	return nodes, nil
}
