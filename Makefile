# What CI runs is what you run: .ci/run calls these targets and nothing else.

GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT ?= $(shell git rev-parse HEAD 2>/dev/null)

TOOLS := $(shell $(GO) env GOPATH)/bin
# The module version of staticcheck 2026.2.2: proxies need not know other names.
STATICCHECK_VERSION := v0.8.2
GOVULNCHECK_VERSION := v1.8.0

# Held-out messages, and the share that must be understood: a change that falls
# below is a step back, however good it looks elsewhere. Raise a floor when the
# figures have stayed above it.
UTTERANCES := content/testdata/utterances
MESSAGES_FLOOR := 0.75
ACTS_FLOOR := 0.92

# The folder with the public data sets and the outside check for leaked
# evaluation messages, where there is one.
SHARED ?= ../shared

FUZZTIME ?= 60s

.PHONY: build test race needs fmt vet staticcheck lint vuln content eval leaks bench fuzz trial faults load inputs nightly ci

## build: the release binary, bin/tilldesk
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)" -o bin/tilldesk ./cmd/tilldesk

test:
	$(GO) test -timeout 20m ./...

## race: with -short, which kills the service less often; the detector makes each start slow
race:
	$(GO) test -race -short -timeout 20m ./...

## needs: install and start what the tests need besides Go
needs:
	@.ci/needs

## fmt: the files that gofmt would change, if any
fmt:
	@changed="$$(gofmt -l .)"; if [ -n "$$changed" ]; then echo "gofmt would change:"; echo "$$changed"; exit 1; fi

vet:
	$(GO) vet ./...

staticcheck:
	@$(TOOLS)/staticcheck -version 2>/dev/null | grep -qF '($(STATICCHECK_VERSION:v%=%))' || \
		$(GO) install honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION)
	$(TOOLS)/staticcheck ./...

## lint: the rules of .golangci.yaml, for those who have golangci-lint
lint:
	golangci-lint run

## vuln: known vulnerabilities in what we call; skipped where the tool or its database cannot be had
vuln:
	@[ -x $(TOOLS)/govulncheck ] || $(GO) install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION) || \
		{ echo "skipped: govulncheck cannot be installed here"; exit 0; }; \
	if out="$$($(TOOLS)/govulncheck ./... 2>&1)"; then echo "$$out"; \
	elif echo "$$out" | grep -q 'fetching vulnerabilities'; then echo "skipped: the vulnerability database cannot be reached"; \
	else echo "$$out"; exit 1; fi

## content: every problem of the content, with file and line
content:
	$(GO) run ./cmd/tilldesk content check

## eval: what is understood of messages that the bot has not learnt from
eval:
	$(GO) run ./cmd/tilldesk eval --min-accuracy $(MESSAGES_FLOOR) $(UTTERANCES)/messages.zh.jsonl $(UTTERANCES)/messages.en.jsonl
	$(GO) run ./cmd/tilldesk eval --min-accuracy $(ACTS_FLOOR) $(UTTERANCES)/acts.zh.jsonl $(UTTERANCES)/acts.en.jsonl

## leaks: outside evaluation messages that stand among the examples
leaks:
	@if [ -d $(SHARED)/eval ]; then python3 $(SHARED)/checks/leaks.py content $(SHARED)/eval/*.jsonl; \
	else echo "skipped: there is no $(SHARED)/eval"; fi

## bench: speed of the packages, and the intent engine on public data sets
bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...
	@for set in $(SHARED)/eval/public/*/; do \
		[ -e "$$set/train.jsonl" ] || continue; echo "== $$(basename "$$set")"; \
		$(GO) run ./cmd/tilldesk bench --train "$$set/train.jsonl" --test "$$set/test.jsonl" || exit 1; \
	done

## fuzz: each fuzz target for FUZZTIME
fuzz:
	@for pkg in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' "$$pkg" | grep '^Fuzz'); do \
			echo "== $$pkg $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$pkg" || exit 1; \
		done; \
	done

## trial: one trial of docs/trials.md in full, such as ID=F19
trial:
	GO="$(GO)" ./.ci/trials "$(ID)"

## faults: kills, power cuts, frozen replicas, damaged disks and the like, in full; each says what it counted
faults:
	GO="$(GO)" ./.ci/trials F

## load: how much the service takes, and how fast it is then, with the machine to itself
load:
	GO="$(GO)" ./.ci/trials L

## inputs: what strangers may send, in full; millions of inputs take hours, unless FUZZTIME says less
inputs:
	GO="$(GO)" $(if $(filter-out file default,$(origin FUZZTIME)),FUZZTIME="$(FUZZTIME)",env -u FUZZTIME) ./.ci/trials I

## nightly: what takes too long for every change
nightly: fuzz bench faults load inputs
	$(GO) test -race -count 3 -shuffle on -timeout 60m ./...

ci:
	./.ci/run
