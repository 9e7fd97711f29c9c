package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"whatsapp-web-server/configs"
	"whatsapp-web-server/httpapi/studio"
	"whatsapp-web-server/persist"
)

func TestTheStudioShowsTheStorageOnceNoServerHasIt(t *testing.T) {
	environment := []string{"SQLITE_DB_PATH=" + filepath.Join(t.TempDir(), "whatsapp.db")}
	config, err := configs.Load(environment, "")
	require.NoError(t, err)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- serveStudio(ctx, listener, config) }()

	_, stopServer := bootStreams(t, environment...)
	require.Contains(t, pageOf(t, listener, http.StatusServiceUnavailable), "in use by another process")
	stopServer()
	require.Contains(t, pageOf(t, listener, http.StatusOK), "There are no accounts yet.")

	stop()
	require.NoError(t, <-served)
}

func pageOf(t *testing.T, listener net.Listener, status int) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String(), nil)
	require.NoError(t, err)
	request.Close = true
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, status, answer.StatusCode, string(page))
	return string(page)
}

func TestTheStudioOpensWhatIsSealedAndSealsNothing(t *testing.T) {
	environment := []string{"SQLITE_DB_PATH=" + filepath.Join(t.TempDir(), "whatsapp.db")}
	config, err := configs.Load(environment, "")
	require.NoError(t, err)
	engine, err := openToShow(t.Context(), config)
	require.NoError(t, err)
	require.NoError(t, engine.Close())
	require.NoFileExists(t, keyFile(config))

	config, err = configs.Load(append(environment, "ENCRYPTION_KEY="+oneKey, "ENCRYPT_MESSAGES=true"), "")
	require.NoError(t, err)
	engine, err = openEngine(t.Context(), config, zap.NewNop())
	require.NoError(t, err)
	generation, err := engine.Acquire(t.Context(), account, 0)
	require.NoError(t, err)
	content := persist.MessageContents.Put(persist.MessageContent{Chat: "c", Sender: "s", ID: "i", Body: "good morning"})
	require.NoError(t, errors.Join(engine.Apply(t.Context(), []persist.Batch{
		{Scope: persist.AccountScope(account), Generation: generation, Mutations: []persist.Mutation{content}},
	})...))
	require.NoError(t, engine.Close())

	path := "/account/" + account + "/message_content"
	for key, want := range map[string]string{oneKey: "good morning", anotherKey: "This cannot be shown"} {
		config, err = configs.Load(append(environment, "ENCRYPTION_KEY="+key, "ENCRYPT_MESSAGES=true"), "")
		require.NoError(t, err)
		pages := studio.New("sqlite", func(ctx context.Context) (persist.Engine, error) { return openToShow(ctx, config) })
		require.Contains(t, ask(t, pages, path).Body.String(), want)
	}
}

func TestTheStudioReadsEveryStorage(t *testing.T) {
	for name, settle := range depots {
		t.Run(name, func(t *testing.T) {
			config, err := configs.Load(settle(t, t.TempDir()).environment, "")
			require.NoError(t, err)
			pages := studio.New(name, func(ctx context.Context) (persist.Engine, error) { return openToShow(ctx, config) })
			messages := "/account/" + account + "/messages"
			for _, path := range []string{"/", "/?search=3", "/system/-", "/account/" + account, messages, messages + "?search=c", messages + "?index=by_id"} {
				require.Equal(t, http.StatusOK, ask(t, pages, path).Code, path)
			}
		})
	}
}

// ask asks for a page.
func ask(t *testing.T, pages http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	answer := httptest.NewRecorder()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	request.Host = "localhost"
	pages.ServeHTTP(answer, request)
	return answer
}

func TestTheStudioIsNotOpenedToOthersByAccident(t *testing.T) {
	output, status := runCommand(t, []string{"STORAGE_TYPE=memory"}, "studio", "--listen", "0.0.0.0:0")
	require.Equal(t, exitMisconfigured, status)
	require.Contains(t, output, "reachable beyond this machine")
}
