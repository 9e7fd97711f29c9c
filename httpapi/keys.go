package httpapi

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/supervisor/access"
)

func (s *Server) keyRoutes() {
	tags := []string{"keys"}
	route(s, huma.Operation{
		OperationID: "createKey", Method: http.MethodPost, Path: "/api/keys", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Make a key",
	}, s.createKey)
	route(s, huma.Operation{
		OperationID: "listKeys", Method: http.MethodGet, Path: "/api/keys", Tags: tags,
		Summary: "List the keys that the caller may manage, oldest first",
	}, s.listKeys)
	route(s, huma.Operation{
		OperationID: "getKey", Method: http.MethodGet, Path: "/api/keys/{keyId}", Tags: tags,
		Summary: "Tell of one key",
	}, s.getKey)
	route(s, huma.Operation{
		OperationID: "changeKey", Method: http.MethodPut, Path: "/api/keys/{keyId}", Tags: tags,
		Summary: "Change what is given of a key",
	}, s.changeKey)
	route(s, huma.Operation{
		OperationID: "rotateKey", Method: http.MethodPost, Path: "/api/keys/{keyId}/rotate", Tags: tags,
		Summary: "Give a key another secret",
	}, s.rotateKey)
	route(s, huma.Operation{
		OperationID: "revokeKey", Method: http.MethodDelete, Path: "/api/keys/{keyId}", Tags: tags,
		Summary: "End a key for good",
	}, s.revokeKey)
	route(s, huma.Operation{
		OperationID: "listAudit", Method: http.MethodGet, Path: "/api/audit", Tags: tags,
		Summary: "Read who has done what, newest first",
	}, s.listAudit)
}

// KeyFields are what a key may be told. It is exported because Huma overlooks what is
// embedded otherwise.
type KeyFields struct {
	Name      *string         `json:"name,omitempty" minLength:"1" maxLength:"100" doc:"what it is for"`
	Rights    []access.Right  `json:"rights,omitempty" minItems:"1" enum:"read,send,manage,admin" doc:"what it may do; admin has the others in it"`
	Accounts  []string        `json:"accounts,omitempty" maxItems:"100" doc:"account numbers that it is for, or beginnings of them followed by *; none is every account of the tenant" example:"[\"49*\"]"`
	Addresses []string        `json:"addresses,omitempty" maxItems:"100" doc:"networks that it may be used from; none is anywhere" example:"[\"192.0.2.0/24\"]"`
	ExpiresAt *string         `json:"expiresAt,omitempty" maxLength:"64" doc:"when it ends, as RFC 3339; empty is never"`
	RateLimit *rateLimitShown `json:"rateLimit,omitempty" doc:"how many requests it may make; a batch counts as one"`
}

type rateLimitShown struct {
	PerSecond int64 `json:"perSecond" minimum:"0" maximum:"100000" doc:"0 is no bound"`
	Burst     int64 `json:"burst,omitempty" minimum:"0" maximum:"100000" doc:"at once, after a pause; as many as perSecond where it is left out"`
}

func (f KeyFields) spec() (access.Spec, error) {
	spec := access.Spec{Name: f.Name, Rights: given(f.Rights), Accounts: given(f.Accounts), Addresses: given(f.Addresses)}
	if f.RateLimit != nil {
		spec.PerSecond, spec.Burst = &f.RateLimit.PerSecond, &f.RateLimit.Burst
	}
	if f.ExpiresAt == nil {
		return spec, nil
	}
	spec.ExpiresAt = new(time.Time)
	if *f.ExpiresAt == "" {
		return spec, nil
	}
	at, err := time.Parse(time.RFC3339, *f.ExpiresAt)
	if err != nil {
		return spec, refuseField("expiresAt", "expiresAt: expected a time as RFC 3339 has it")
	}
	*spec.ExpiresAt = at
	return spec, nil
}

// given is a list, or nothing where the request has none.
func given[T any](list []T) *[]T {
	if list == nil {
		return nil
	}
	return &list
}

// keyShown is a key without its secret.
type keyShown struct {
	ID         string          `json:"id"`
	Tenant     string          `json:"tenant" doc:"whose accounts it sees; empty is the installation's own"`
	Name       string          `json:"name"`
	Rights     []access.Right  `json:"rights"`
	Accounts   []string        `json:"accounts"`
	Addresses  []string        `json:"addresses"`
	RateLimit  *rateLimitShown `json:"rateLimit,omitempty"`
	ExpiresAt  *time.Time      `json:"expiresAt,omitempty"`
	CreatedAt  *time.Time      `json:"createdAt"`
	CreatedBy  string          `json:"createdBy" doc:"the key that made it"`
	UpdatedAt  *time.Time      `json:"updatedAt"`
	LastUsedAt *time.Time      `json:"lastUsedAt,omitempty" doc:"by this node; of others it is some minutes behind"`
}

func showKey(key persist.APIKey) keyShown {
	shown := keyShown{
		ID: key.ID, Tenant: key.Tenant, Name: key.Name, Rights: []access.Right{}, Accounts: append([]string{}, key.Accounts...),
		Addresses: append([]string{}, key.Addresses...), ExpiresAt: showTime(key.ExpiresAt), CreatedAt: showTime(key.CreatedAt),
		CreatedBy: key.CreatedBy, UpdatedAt: showTime(key.UpdatedAt), LastUsedAt: showTime(key.LastUsedAt),
	}
	for _, right := range key.Rights {
		shown.Rights = append(shown.Rights, access.Right(right))
	}
	if key.PerSecond > 0 {
		shown.RateLimit = &rateLimitShown{PerSecond: key.PerSecond, Burst: key.Burst}
	}
	return shown
}

// newKey is a key with its token, which is shown this once.
type newKey struct {
	Token string   `json:"token" doc:"what to send as Authorization: Bearer; it is not shown again"`
	Key   keyShown `json:"key"`
}

type createKeyInput struct {
	Body struct {
		Tenant *string `json:"tenant,omitempty" maxLength:"64" doc:"whose accounts it is for; that of the key that asks where it is left out"`
		KeyFields
	}
}

func (s *Server) createKey(ctx context.Context, input *createKeyInput) (*reply[newKey], error) {
	spec, err := input.Body.spec()
	if err != nil {
		return nil, err
	}
	by := principalOf(ctx)
	tenant := by.Tenant
	if input.Body.Tenant != nil {
		tenant = *input.Body.Tenant
	}
	key, token, err := s.config.Keys.Create(ctx, by, tenant, spec)
	if err != nil {
		return nil, err
	}
	callOf(ctx).target = key.ID
	return &reply[newKey]{succeed(newKey{token, showKey(key)})}, nil
}

type listKeysInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"how many to list"`
	Cursor string `query:"cursor" maxLength:"64" doc:"nextCursor of the page before"`
}

type keyList struct {
	Keys       []keyShown `json:"keys"`
	Pagination pagination `json:"pagination"`
}

func (s *Server) listKeys(ctx context.Context, input *listKeysInput) (*reply[keyList], error) {
	keys := s.config.Keys.Keys(principalOf(ctx))
	total := len(keys)
	from := slices.IndexFunc(keys, func(key persist.APIKey) bool { return key.ID > input.Cursor })
	if from < 0 {
		from = total
	}
	page := keys[from:min(from+input.Limit, total)]
	list := keyList{Keys: []keyShown{}, Pagination: pagination{Limit: input.Limit, Total: &total}}
	for _, key := range page {
		list.Keys = append(list.Keys, showKey(key))
	}
	if from+len(page) < total {
		list.Pagination.HasMore, list.Pagination.NextCursor = true, page[len(page)-1].ID
	}
	return &reply[keyList]{succeed(list)}, nil
}

type keyInput struct {
	KeyID string `path:"keyId" maxLength:"64" doc:"id of the key, which is the second part of its token" example:"01kb4xk3n2v7m8q9r0s1t2w3y4"`
}

func (s *Server) getKey(ctx context.Context, input *keyInput) (*reply[keyShown], error) {
	key, err := s.config.Keys.Key(principalOf(ctx), input.KeyID)
	if err != nil {
		return nil, err
	}
	return &reply[keyShown]{succeed(showKey(key))}, nil
}

type changeKeyInput struct {
	KeyID string `path:"keyId" maxLength:"64" doc:"id of the key, which is the second part of its token" example:"01kb4xk3n2v7m8q9r0s1t2w3y4"`
	Body  KeyFields
}

func (s *Server) changeKey(ctx context.Context, input *changeKeyInput) (*reply[keyShown], error) {
	spec, err := input.Body.spec()
	if err != nil {
		return nil, err
	}
	key, err := s.config.Keys.Change(ctx, principalOf(ctx), input.KeyID, spec)
	if err != nil {
		return nil, err
	}
	return &reply[keyShown]{succeed(showKey(key))}, nil
}

func (s *Server) rotateKey(ctx context.Context, input *keyInput) (*reply[newKey], error) {
	key, token, err := s.config.Keys.Rotate(ctx, principalOf(ctx), input.KeyID)
	if err != nil {
		return nil, err
	}
	return &reply[newKey]{succeed(newKey{token, showKey(key)})}, nil
}

type revokedKey struct {
	ID      string `json:"id"`
	Revoked bool   `json:"revoked"`
}

func (s *Server) revokeKey(ctx context.Context, input *keyInput) (*reply[revokedKey], error) {
	if err := s.config.Keys.Revoke(ctx, principalOf(ctx), input.KeyID); err != nil {
		return nil, err
	}
	return &reply[revokedKey]{succeed(revokedKey{input.KeyID, true})}, nil
}

type auditList struct {
	Entries    []auditEntry `json:"entries"`
	Pagination pagination   `json:"pagination"`
}

type auditEntry struct {
	At      *time.Time `json:"at"`
	Tenant  string     `json:"tenant" doc:"of who has done it"`
	Who     string     `json:"who" doc:"the id of a key; api-key, anyone or cli for those who have none"`
	What    string     `json:"what" doc:"the operation"`
	Target  string     `json:"target,omitempty" doc:"an account number or the id of a key"`
	Outcome string     `json:"outcome" doc:"ok, or the status of the refusal"`
	Address string     `json:"address,omitempty" doc:"where it came from"`
}

func (s *Server) listAudit(ctx context.Context, input *listKeysInput) (*reply[auditList], error) {
	by := principalOf(ctx)
	if len(by.Accounts) > 0 {
		return nil, actors.Refuse(actors.CodeForbidden, "The audit log is for administrators of all accounts of a tenant.")
	}
	entries, err := s.config.Keys.Audit(ctx, by, input.Cursor, input.Limit+1)
	if err != nil {
		return nil, err
	}
	list := auditList{Entries: []auditEntry{}, Pagination: pagination{Limit: input.Limit, HasMore: len(entries) > input.Limit}}
	if list.Pagination.HasMore {
		entries = entries[:input.Limit]
		list.Pagination.NextCursor = entries[input.Limit-1].ID
	}
	for _, e := range entries {
		list.Entries = append(list.Entries, auditEntry{showTime(e.At), e.Tenant, e.Who, e.What, e.Target, e.Outcome, e.Address})
	}
	return &reply[auditList]{succeed(list)}, nil
}
