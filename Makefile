# Building and running need Go alone. Testing needs a C compiler too (for the
# race detector) and brings it where it is missing. `make help` lists everything.

SHELL := /bin/bash

# The least share of statements, in percent, that the tests must reach.
COVERAGE_FLOOR ?= 60

GOLANGCI_LINT_VERSION := v2.15.0
GOLANGCI_LINT         := .tools/bin/golangci-lint-$(GOLANGCI_LINT_VERSION)

# What coverage counts: what a server is made of. Not the load driver and the
# simulator, which are there to test it, nor the suites that engines share.
COVERED     := ./cmd/server/...,./httpapi/...,./supervisor/...,./actors/...,./persist/...,./configs/...
NOT_COVERED := /persist/persisttest/\|/journal/journaltest/

# Tests that the race detector would stop at races of whatsmeow's own, beside
# those of loadtest/soak. They mostly wait, hence run many at a time.
NOT_UNDER_RACE := WhenStorageFails|ByAFailureOfStorage|EveryFaultDoes

# Empty by hand and in CI; 1 runs the long suites (see test-full).
TEST_FULL ?=
TEST_TIMEOUT = $(if $(TEST_FULL),1h,25m)

# How long each fuzz test runs.
FUZZTIME ?= 30s

.DEFAULT_GOAL := help

## help: prints this list
.PHONY: help
help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST) | awk -F': ' '{ printf "  %-16s %s\n", $$1, $$2 }'

## demo: plays the server against a simulated WhatsApp; DEMO_FLAGS=--once ends by itself
.PHONY: demo
demo:
	@echo "Building; the first time this takes a few minutes."
	@go build -o bin/ ./cmd/demo ./cmd/server
	@bin/demo --server bin/server $(DEMO_FLAGS)

## run: starts the server with the configuration of the environment and .env
.PHONY: run
run:
	go run ./cmd/server

## dev: starts the server with the storage that STORAGE_TYPE names, in docker if that needs a server
.PHONY: dev
dev:
	@./configs/dev.sh

# Of the servers of a storage and the browsers of their data; see configs/compose.yaml.
COMPOSE := docker compose -f configs/compose.yaml

## docker-up: starts all servers of the development stack
## docker-postgres: starts PostgreSQL on port 5433, and pgAdmin on 8080
## docker-mongo: starts MongoDB on port 27018, and Mongo Express on 8082
## docker-redis: starts Redis on port 6380, and Redis Commander on 8083
## docker-server: starts the gateway in docker, on ports 3001 to 3003; API_KEY has to be in .env
docker-up:       SERVICES :=
docker-postgres: SERVICES := postgres pgadmin
docker-mongo:    SERVICES := mongo mongo-express
docker-redis:    SERVICES := redis redis-commander
docker-server:   SERVICES := --build server
.PHONY: docker-up docker-postgres docker-mongo docker-redis docker-server
docker-up docker-postgres docker-mongo docker-redis docker-server:
	$(COMPOSE) up --detach --wait $(SERVICES)

## docker-down: stops the development stack and keeps its data
.PHONY: docker-down
docker-down:
	$(COMPOSE) --profile '*' down --remove-orphans

## docker-restart: stops the servers that run, and starts them again
.PHONY: docker-restart
docker-restart:
	$(COMPOSE) --profile '*' restart

## docker-logs: follows what the servers write
.PHONY: docker-logs
docker-logs:
	$(COMPOSE) --profile '*' logs --follow --tail 100

## docker-status: tells which servers run, and how they are
.PHONY: docker-status
docker-status:
	$(COMPOSE) --profile '*' ps --all

## docker-clean: removes the development stack together with its data
.PHONY: docker-clean
docker-clean:
	$(COMPOSE) --profile '*' down --volumes --remove-orphans

CLUSTER := docker compose -f configs/compose.cluster.yaml

## docker-cluster: starts three nodes behind a balancer on ports 3001 and 3002; API_KEY, ENCRYPTION_KEY and CLUSTER_SECRET have to be in .env
.PHONY: docker-cluster
docker-cluster:
	$(CLUSTER) up --detach --wait --build

## docker-cluster-status: tells which of the nodes run, and how they are
.PHONY: docker-cluster-status
docker-cluster-status:
	$(CLUSTER) ps --all

## docker-cluster-logs: follows what the nodes write
.PHONY: docker-cluster-logs
docker-cluster-logs:
	$(CLUSTER) logs --follow --tail 100

## docker-cluster-down: stops the nodes and keeps their data
.PHONY: docker-cluster-down
docker-cluster-down:
	$(CLUSTER) down --remove-orphans

## docker-cluster-clean: removes the nodes together with their data
.PHONY: docker-cluster-clean
docker-cluster-clean:
	$(CLUSTER) down --volumes --remove-orphans

## db-init: makes the storage that is configured, or brings its schema up to date
.PHONY: db-init
db-init:
	go run ./cmd/server init

## db-migration: makes an empty migration for each SQL storage; name=… says what it does
.PHONY: db-migration
db-migration:
	@./configs/new-migration.sh "$$name"

## db-studio: shows what is in the storage on http://127.0.0.1:8084; STUDIO_FLAGS are passed on
.PHONY: db-studio
db-studio:
	go run ./cmd/server studio $(STUDIO_FLAGS)

## simulator: starts the WhatsApp simulator alone; SIMULATOR_FLAGS are passed on
.PHONY: simulator
simulator:
	go run ./cmd/simulator $(SIMULATOR_FLAGS)

## build: builds every command into bin/, statically
.PHONY: build
build:
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o bin/ ./cmd/...

## test: runs every test under the race detector and checks the coverage; needs root or sudo where cc or a database is missing
.PHONY: test
test: compiler ferretdb
	TEST_FULL=$(TEST_FULL) CGO_ENABLED=1 go test -race -timeout $(TEST_TIMEOUT) \
		-covermode=atomic -coverpkg=$(COVERED) -coverprofile=coverage.out ./...
	TEST_FULL=$(TEST_FULL) go test -timeout $(TEST_TIMEOUT) -parallel 8 -run '$(NOT_UNDER_RACE)' ./actors ./loadtest/simulator
	TEST_FULL=$(TEST_FULL) go test -timeout $(TEST_TIMEOUT) ./loadtest/soak
	@$(MAKE) --no-print-directory coverage

## test-short: runs the quick tests, without the race detector
.PHONY: test-short
test-short:
	go test -short ./...

## test-full: is test with the long suites; takes some forty minutes
.PHONY: test-full
test-full:
	@$(MAKE) --no-print-directory test TEST_FULL=1

## test-crash: kills the server, its database and its disk at random moments, on every engine; takes some minutes
.PHONY: test-crash
test-crash: compiler ferretdb
	TEST_FULL=1 TEST_SEED=$(TEST_SEED) CGO_ENABLED=1 go test -race -count=1 -timeout 1h -v -run 'NothingIsLostOrDoubled|ARetriedKey|EveryBarrierIsFlushed' ./cmd/server

## test-cluster: has nodes, their Redis and their links fail in every way, and counts afterwards; TEST_FULL=1 takes longer, on every storage
.PHONY: test-cluster
test-cluster: compiler $(if $(TEST_FULL),ferretdb)
	TEST_CLUSTER=1 TEST_FULL=$(TEST_FULL) go test -count=1 -timeout $(if $(TEST_FULL),1h,10m) -v ./loadtest/cluster

## test-interop: tries the simulator with Baileys, a client that is not whatsmeow; needs root or sudo where node is missing
.PHONY: test-interop
test-interop: compiler
	@./configs/setup-node.sh loadtest/interop
	TEST_INTEROP=1 CGO_ENABLED=1 go test -race -count=1 -timeout 10m ./loadtest/interop

# What is played, by how many accounts, how long, how many requests of each sort a
# second, and how fast 95 of 100 have to be; P95=0 asks for no speed. LOADTEST_FLAGS
# are passed on.
SCENARIO ?= mixed
ACCOUNTS ?= 20
DURATION ?= 30s
RATE     ?= 20
P95      ?= 2s

# A program of its own, under the AGPL, which is not brought along.
K6 ?= $(shell command -v k6)

## loadtest: plays SCENARIO=send, read, subscribe or mixed with ACCOUNTS accounts on a simulated WhatsApp; with k6, or without where there is none
.PHONY: loadtest
loadtest:
	@[ -n "$(K6)" ] || ./configs/setup-node.sh loadtest/k6
	@mkdir -p bin && go build -o bin/ ./cmd/server ./cmd/loadtest
	@bin/loadtest --server bin/server --scenario $(SCENARIO) --accounts $(ACCOUNTS) --duration $(DURATION) --rate $(RATE) --p95 $(P95) $(LOADTEST_FLAGS) \
		-- $(if $(K6),$(K6) run --no-usage-report,node loadtest/k6/runner/run.mjs)

## test-browser: tries the pages of simulator and studio with Chromium; needs root or sudo where neither it nor Chrome is there
.PHONY: test-browser
test-browser: compiler
	@./configs/setup-browser.sh
	TEST_BROWSER=1 CGO_ENABLED=1 go test -race -count=1 -timeout 10m ./loadtest/browser

## fuzz: runs every fuzz test for FUZZTIME, 30s if not said; their seeds are part of test
.PHONY: fuzz
fuzz:
	@set -e; for package in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
		for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "$$package $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$package; \
		done; \
	done

## coverage: compares coverage.out of the last test run with the floor
.PHONY: coverage
coverage:
	@grep -v '$(NOT_COVERED)' coverage.out >coverage.counted
	@go tool cover -func=coverage.counted | awk -v floor=$(COVERAGE_FLOOR) '\
		/^total:/ { share = $$3 + 0; found = 1 } \
		END { \
			if (!found) { print "coverage: coverage.out has no total"; exit 1 } \
			printf "coverage: %.1f%% of statements, at least %s%% wanted\n", share, floor; \
			exit share < floor \
		}'

# The comparison comes last and without -benchmem: what it measures is processes
# of their own.
## bench: runs the benchmarks, last those that compare the server with a bare whatsmeow loop; takes some minutes
.PHONY: bench
bench:
	go test -run '^$$' -bench . -benchmem $$(go list ./... | grep -v /loadtest/bench)
	go test -run '^$$' -bench . ./loadtest/bench

## lint: runs go vet and the other linters of .golangci.yml
.PHONY: lint
lint: $(GOLANGCI_LINT)
	$(GOLANGCI_LINT) run ./...
	@sleepy=$$(grep -rl --include='*_test.go' 'time\.Sleep(' . | xargs -r grep -L '"testing/synctest"'); \
	if [ -n "$$sleepy" ]; then echo "tests that sleep in real time:" $$sleepy; exit 1; fi

## fmt: formats the code
.PHONY: fmt
fmt: $(GOLANGCI_LINT)
	$(GOLANGCI_LINT) fmt ./...

## clean: removes what building and testing left behind
.PHONY: clean
clean:
	rm -rf bin .tools coverage.out coverage.counted loadtest/interop/node_modules loadtest/k6/node_modules loadtest/k6/report

.PHONY: compiler
compiler:
	@./configs/setup-test-tools.sh

.PHONY: ferretdb
ferretdb:
	@./loadtest/compat/build.sh >/dev/null

# Named after its version, so that another version is another file.
$(GOLANGCI_LINT):
	GOBIN=$(CURDIR)/.tools/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv .tools/bin/golangci-lint $@
