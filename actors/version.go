package actors

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/store"
)

const (
	// lookupTimeout bounds the lookup of a version from dialling to the last byte.
	lookupTimeout = 30 * time.Second
	// maxPage bounds WhatsApp Web's start page, which whatsmeow takes into memory
	// to find the version in it.
	maxPage = 8 << 20
)

// VersionLookup is how the present version of WhatsApp Web is found, for
// [BudgetConfig]. It is nil on a network that stands in for WhatsApp: only the
// real one knows, and a node on another must not turn to it.
func (n *Network) VersionLookup() func(context.Context) (store.WAVersionContainer, error) {
	if n.name != WhatsApp {
		return nil
	}
	return versionLookup(n.client.Transport)
}

func versionLookup(transport http.RoundTripper) func(context.Context) (store.WAVersionContainer, error) {
	client := &http.Client{Transport: startPage{transport}}
	return func(ctx context.Context) (store.WAVersionContainer, error) {
		ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
		defer cancel()
		latest, err := whatsmeow.GetLatestVersion(ctx, client)
		if err != nil {
			return store.WAVersionContainer{}, fmt.Errorf("look up the version of WhatsApp Web: %w", err)
		}
		return *latest, nil
	}
}

// startPage is a transport for WhatsApp Web's start page and nothing else: no
// redirection leads elsewhere, and of an error nothing is read, since whatsmeow
// would put all of it into its message.
type startPage struct{ base http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (p startPage) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := p.base.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		_ = response.Body.Close() // nothing of it is of interest
		return nil, fmt.Errorf("status %d", response.StatusCode)
	}
	response.Body = http.MaxBytesReader(nil, response.Body, maxPage)
	return response, nil
}
