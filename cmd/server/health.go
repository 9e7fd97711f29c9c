package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"whatsapp-web-server/configs"
)

// healthTimeout is how long a server may take to answer and still be well.
const healthTimeout = 4 * time.Second

// checkHealth fails unless a server answers, whatever it says. Images without a
// shell have nothing else to ask with.
func checkHealth(ctx context.Context, config configs.Config, arguments []string) error {
	flags := flag.NewFlagSet("health", flag.ContinueOnError)
	address := flags.String("address", net.JoinHostPort(config.HTTP.Host, strconv.Itoa(config.HTTP.Port)), "the `address` to ask, HOST and PORT if not said")
	if err := parse(flags, arguments); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+*address+"/", nil)
	if err != nil {
		return fmt.Errorf("ask for health: %w", err)
	}
	request.Close = true
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask for health: %w", err)
	}
	return answer.Body.Close()
}
