package httpapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
)

const (
	// maxBatchAccounts is how many accounts are asked at the same time.
	maxBatchAccounts = 32
	// batchItemTime is what acceptance may take where every item waits for a slow disk.
	batchItemTime = 100 * time.Millisecond
)

func (s *Server) batchRoutes() {
	route(s, huma.Operation{
		OperationID: "sendMessages", Method: http.MethodPost, Path: "/api/messages/batch", Tags: []string{"messages"},
		Summary: "Accept messages of many accounts, with a result for each",
	}, s.sendBatch)
}

type batchInput struct {
	Body batchBody
}

type batchBody struct {
	Messages []batchItem `json:"messages" minItems:"1" maxItems:"200" doc:"those of one account are accepted in this order; they are bulk unless they say otherwise"`
}

// patience is for as many commits, one after the other.
func (i *batchInput) patience() time.Duration {
	return time.Duration(len(i.Body.Messages)) * batchItemTime
}

type batchItem struct {
	AccountNumber number  `json:"accountNumber" doc:"who sends" example:"31612345678"`
	ChatID        chat    `json:"chatId" doc:"person or group" example:"1234567890@c.us"`
	Message       content `json:"message"`
	SendOptions
	Key string `json:"idempotencyKey,omitempty" maxLength:"255" pattern:"^[ -~]+$" patternDescription:"printable ASCII" doc:"like the header Idempotency-Key of a single send"`
}

// send is the item as a request of its own: the same message sent singly, in the same
// lane, has the same hash.
func (i batchItem) send() sendBody {
	i.Lane = cmp.Or(i.Lane, actors.LaneBulk)
	return sendBody{AccountNumber: i.AccountNumber, ChatID: i.ChatID, Message: i.Message, SendOptions: i.SendOptions}
}

// batchResult is the reply that the item would have got by itself.
type batchResult struct {
	Success  bool         `json:"success"`
	Data     *sentMessage `json:"data,omitempty" doc:"where it was accepted"`
	Replayed bool         `json:"replayed,omitempty" doc:"the key had been used for the same request"`
	Problem  *problem     `json:"error,omitempty" doc:"where it was not"`
}

type batchReply struct {
	Results  []batchResult `json:"results" doc:"in the order of the messages"`
	Accepted int           `json:"accepted"`
	Failed   int           `json:"failed"`
}

// sendBatch has every item accepted by its account, and waits for no more than that.
func (s *Server) sendBatch(ctx context.Context, input *batchInput) (*reply[batchReply], error) {
	results := make([]batchResult, len(input.Body.Messages))
	slots := make(chan struct{}, maxBatchAccounts)
	var accounts sync.WaitGroup
	for _, indexes := range byAccount(input.Body.Messages) {
		accounts.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			for _, i := range indexes {
				results[i] = s.sendItem(ctx, input.Body.Messages[i])
			}
		})
	}
	accounts.Wait()
	summary := batchReply{Results: results}
	for _, result := range results {
		if result.Success {
			summary.Accepted++
		} else {
			summary.Failed++
		}
	}
	return &reply[batchReply]{succeed(summary)}, nil
}

// byAccount are the places of each account's items, in order.
func byAccount(items []batchItem) map[number][]int {
	places := make(map[number][]int)
	for i, item := range items {
		places[item.AccountNumber] = append(places[item.AccountNumber], i)
	}
	return places
}

func (s *Server) sendItem(ctx context.Context, item batchItem) batchResult {
	if s.config.Cluster != nil {
		if result, err := s.sendElsewhere(ctx, item); !errors.Is(err, errHere) {
			return result
		}
	}
	sent, err := s.ask(ctx, item.send(), item.Key, 0)
	if err == nil {
		var shown *sendReply
		if shown, err = showSent(string(item.AccountNumber), sent); err == nil {
			return batchResult{Success: true, Data: &shown.Body.Data, Replayed: sent.Replayed}
		}
	}
	return batchResult{Problem: &callOf(ctx).refuse(err).Problem}
}

// sendElsewhere has an item accepted by the node of its account, as a request of its
// own; errHere if that is this one.
func (s *Server) sendElsewhere(ctx context.Context, item batchItem) (result batchResult, err error) {
	body, err := json.Marshal(item.send())
	if err != nil {
		return result, fmt.Errorf("encode item: %w", err)
	}
	response, err := s.deliver(ctx, &relay{
		account: string(item.AccountNumber), method: http.MethodPost, target: sendPath + "?wait=0",
		header: http.Header{"Content-Type": {typeJSON}, headerKey: headerValue(item.Key)},
		time:   s.config.RequestTimeout, body: &parcel{prefix: body, begun: true},
	})
	if err != nil {
		return batchResult{Problem: &callOf(ctx).refuse(err).Problem}, err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(io.LimitReader(response.Body, maxBody)).Decode(&result); err != nil {
		err = &actors.Error{Code: actors.CodeOutcomeUnknown, Cause: err}
		return batchResult{Problem: &callOf(ctx).refuse(err).Problem}, err
	}
	result.Replayed = response.Header.Get(headerReplayed) == "true"
	return result, nil
}
