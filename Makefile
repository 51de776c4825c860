# SPDX-License-Identifier: Apache-2.0
#
# Clew's tasks. `make help` lists them. Needed: Go, Node.js and npm; for the
# tests also Chromium and Python 3 (`.ci/run` installs those two).

SHELL         := bash
.SHELLFLAGS   := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# Without this tag gRPC links golang.org/x/net/trace and with it text/template: 8 MB.
TAGS    := grpcnotrace
LDFLAGS := -s -w -X main.version=$(VERSION)
GO_BUILD := CGO_ENABLED=0 go build -trimpath -tags $(TAGS) -ldflags "$(LDFLAGS)"

# Where the load generator stands, if it is there. `make bench` uses it.
BENCH ?= ../shared/bench

GOLANGCI_LINT_VERSION := v2.15.0
GOLANGCI_LINT := bin/golangci-lint-$(GOLANGCI_LINT_VERSION)

UI_SOURCES := $(shell find ui/src ui/public ui/index.html ui/vite.config.ts ui/tsconfig.json ui/package.json -type f 2>/dev/null)

# What the tests of whole binaries run.
export CLEW_BIN      := $(CURDIR)/bin/clew
export CLEW_DEMO_BIN := $(CURDIR)/bin/clew-demo

.PHONY: run build ui types test test-go test-ui test-e2e soak bench lint fmt deps clean help

run: build ## build everything, start Clew and the demo shop, print the UI's address (ctrl-C stops both)
	@tools/run.sh bin

build: ui ## build bin/clew and bin/clew-demo, the UI inside
	@mkdir -p bin
	$(GO_BUILD) -o bin/clew ./cmd/clew
	$(GO_BUILD) -o bin/clew-demo ./cmd/clew-demo

ui: ui/dist/index.html ## build the UI into ui/dist

ui/dist/index.html: ui/node_modules/.stamp $(UI_SOURCES)
	cd ui && npm run build
	@touch $@

ui/node_modules/.stamp ui/openapi/node_modules/.stamp: %/node_modules/.stamp: %/package-lock.json
	cd $* && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

types: ui/openapi/node_modules/.stamp ## make the UI's API types anew from api/openapi.yaml
	cd ui/openapi && npm run types

test: build ## everything: vet, Go tests, UI checks, end to end with real clients and a browser
	test/setup.sh
	$(MAKE) --keep-going test-go test-ui test-e2e

test-go: ## Go: formatting, vet, all tests but the end to end ones
	@files=$$(git ls-files -z --cached --others --exclude-standard '*.go' | xargs -0 ls 2>/dev/null | xargs gofmt -l); \
	  if [ -n "$$files" ]; then echo "not formatted with gofmt:" $$files; exit 1; fi
	go vet ./...
	go test -tags $(TAGS) -timeout 15m $$(go list ./... | grep -v /clew/test/)

test-ui: ui/node_modules/.stamp ui/openapi/node_modules/.stamp ## UI: types, lint, unit tests
	cd ui/openapi && npm run check
	cd ui && npm run check && npm run test

test-e2e: build ## the real binaries with real clients, kills and a browser
	go test -tags $(TAGS) -count 1 -timeout 25m -p 1 ./test/...

soak: build ## the long forms: hundreds of kills, every fuzz target for FUZZTIME (default 2m)
	test/setup.sh
	CLEW_SOAK=1 go test -tags $(TAGS) -count 1 -timeout 6h -p 1 ./store/... ./test/...
	tools/fuzz.sh $${FUZZTIME:-2m}

bench: build ## Go benchmarks; with the load generator at BENCH also load, query and disk
	go test -tags $(TAGS) -run '^$$' -bench . -benchmem -timeout 60m $$(go list ./... | grep -v /clew/test/)
	@if [ -d "$(BENCH)" ]; then tools/bench.sh bin "$(BENCH)" $${SPANS:-1000000}; \
	  else echo "no load generator at $(BENCH): only the Go benchmarks were run"; fi

lint: $(GOLANGCI_LINT) ui/node_modules/.stamp ## golangci-lint and oxlint
	$(GOLANGCI_LINT) run ./...
	cd ui && npm run lint

$(GOLANGCI_LINT):
	@mkdir -p bin
	GOBIN=$(CURDIR)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv bin/golangci-lint $@

fmt: ## format the Go code
	git ls-files -z '*.go' | xargs -0 gofmt -w

deps: ## write cmd/*/deps.txt anew, after a dependency has come or gone
	go test ./tools/archtest -run TestLinkedModules -update

clean: ## remove what was built
	rm -rf bin ui/node_modules ui/openapi/node_modules
	find ui/dist -mindepth 1 ! -name .placeholder -delete

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 11
