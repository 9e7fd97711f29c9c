package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"whatsapp-web-server/loadtest/gateway"
	"whatsapp-web-server/loadtest/simulator"
)

const (
	// startTimeout is for the server until it answers.
	startTimeout = time.Minute
	// linkTimeout is for one account, beside those that are linked at once.
	linkTimeout = time.Minute
	// linksAtOnce keeps the processor busy and no account waiting for long.
	linksAtOnce = 16
	// fewPreKeys makes clients upload 50 prekeys instead of 812, so that linking
	// takes a sixth of the time.
	fewPreKeys = 1
	// pastMessages is what there is to read in the chat of each account.
	pastMessages = 50
)

// stage is the simulated WhatsApp and the real server.
type stage struct {
	options options
	world   *simulator.Simulator
	server  *gateway.Server
}

// openStage starts both and waits until the server answers. After an error nothing
// is left running.
func openStage(ctx context.Context, folder string, o options) (_ *stage, err error) {
	s := &stage{options: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close(true, os.Stderr))
		}
	}()
	s.world, err = simulator.New(simulator.Options{StateDir: filepath.Join(folder, "simulator"), PreKeyCount: fewPreKeys})
	if err == nil {
		err = s.world.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start the simulator: %w", err)
	}
	// Thousands of accounts are linked as fast as they can be.
	environment := append(s.world.Env(), "LOG_LEVEL=warn", "WA_CONNECTS_PER_SECOND=1000", "WA_CONNECT_BURST=10000")
	if s.server, err = gateway.Start(ctx, folder, o.server, append(environment, o.environment...)); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return s, s.server.AwaitReady(ctx)
}

// account is one of the accounts, and somebody whom it has a chat with.
type account struct {
	Number  string `json:"number"`
	Contact string `json:"contact"`
}

func accountAt(i int) account {
	return account{fmt.Sprintf("3161%07d", i), fmt.Sprintf("3162%07d", i)}
}

// linkAll makes the phones and links all accounts.
func (s *stage) linkAll(ctx context.Context) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(linksAtOnce)
	for i := range s.options.accounts {
		work.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, linkTimeout)
			defer cancel()
			a := accountAt(i)
			if err := s.link(ctx, a); err != nil {
				return fmt.Errorf("link account %s: %w", a.Number, err)
			}
			return nil
		})
	}
	return work.Wait()
}

// link returns when the account is ready and has its phone's history.
func (s *stage) link(ctx context.Context, a account) error {
	phone, err := s.addPhones(ctx, a)
	if err != nil {
		return err
	}
	client := s.server.Client()
	if err := client.Post(ctx, "/api/clients/initialize", map[string]any{"accountNumber": a.Number}, nil); err != nil {
		return err
	}
	var code struct{ QR string }
	if err := until(ctx, func() error { return client.Get(ctx, "/api/clients/"+a.Number+"/qr", &code) }); err != nil {
		return err
	}
	if err := phone.Scan(ctx, code.QR); err != nil {
		return err
	}
	return until(ctx, func() error { return s.isReady(ctx, client, a) })
}

// addPhones makes the phones of an account and of its contact, with a chat.
func (s *stage) addPhones(ctx context.Context, a account) (*simulator.Phone, error) {
	if _, err := s.world.AddPhone(a.Contact, "Contact of "+a.Number); err != nil {
		return nil, err
	}
	phone, err := s.world.AddPhone(a.Number, "Account "+a.Number)
	if err != nil {
		return nil, err
	}
	messages := make([]simulator.HistoryMessage, pastMessages)
	for i := range messages {
		messages[i] = simulator.HistoryMessage{Text: fmt.Sprintf("message %d of long ago", i), FromMe: i%2 == 0}
	}
	return phone, phone.AddHistory(ctx, simulator.HistoryChat{Chat: a.Contact, Name: "Contact", Messages: messages})
}

func (s *stage) isReady(ctx context.Context, client *gateway.Client, a account) error {
	var status struct{ State string }
	if err := client.Get(ctx, "/api/clients/"+a.Number+"/status", &status); err != nil {
		return err
	}
	if status.State != "ready" {
		return fmt.Errorf("it is %s", status.State)
	}
	var page struct{ Messages []any }
	err := client.Get(ctx, "/api/messages/"+a.Number+"/"+a.Contact+"?limit=1", &page)
	if err == nil && len(page.Messages) == 0 {
		return errors.New("its history has not come")
	}
	return err
}

// until tries again until there is no error, or ctx ends.
func until(ctx context.Context, try func() error) error {
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return err
		}
	}
}

// describe writes what the scenarios have to know, and makes the folder of the
// report. It returns the path of the file.
func (s *stage) describe(path string) (string, error) {
	report, err := filepath.Abs(s.options.report)
	if err == nil {
		err = os.MkdirAll(report, 0o755)
	}
	if err != nil {
		return "", fmt.Errorf("make a folder for the report: %w", err)
	}
	accounts := make([]account, s.options.accounts)
	for i := range accounts {
		accounts[i] = accountAt(i)
	}
	target, err := json.Marshal(map[string]any{
		"rest": s.server.URL(), "socket": "ws://" + s.server.Socket, "simulator": s.world.ControlURL(),
		"run": fmt.Sprintf("run-%d", time.Now().UnixMilli()), "scenario": s.options.scenario, "accounts": accounts,
		"seconds": s.options.duration.Seconds(), "rate": s.options.rate, "p95": s.options.p95.Milliseconds(),
		"report": filepath.Join(report, s.options.scenario),
	})
	if err != nil {
		return "", fmt.Errorf("encode the target: %w", err)
	}
	return path, os.WriteFile(path, target, 0o600)
}

// judge asks the referee.
func (s *stage) judge() error {
	stats := s.world.Stats()
	var errs []error
	for count, n := range stats.Forbidden() {
		if n > 0 {
			errs = append(errs, fmt.Errorf("the referee counts %s: %d", count, n))
		}
	}
	for _, violation := range stats.Violations {
		errs = append(errs, errors.New(violation.String()))
	}
	return errors.Join(errs...)
}

// close stops everything, the server first. After a failure it prints the server's
// log.
func (s *stage) close(failed bool, out io.Writer) (err error) {
	if s.server != nil {
		err = s.server.Stop()
		if failed || err != nil {
			fmt.Fprintf(out, "\nThe server's log:\n%s\n", s.server.Tail())
		}
		err = errors.Join(err, s.server.Close())
	}
	if s.world != nil {
		err = errors.Join(err, s.world.Close())
	}
	return err
}
