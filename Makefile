# make        builds bin/emend
# make demo   installs emend, applies a patch to testdata/demo, kills it half
#             way and recovers
# make test   runs all tests
# make check  runs everything that .ci/run runs

GO       ?= go
FUZZTIME ?= 60s

# Packages whose code starts goroutines of its own, and the sweeps among their
# tests that would show the race detector the same few of them over and over.
CONCURRENT = ./editor/... ./wal/... ./recovery/... ./internal/apply/... ./internal/vfs/...
SWEEPS     = AtEvery|EveryBit|EverySync|NoSyncIsMissing|PowerCut|CrashIn|FaultIn|FullDisk|AfterACrash|AfterAFailed|DoesNotFit|WithoutPrivilege

.PHONY: build install demo test test-producers race check bench sweep kill powercut fuzz

# Without the system's C library: what is linked when it is built starts faster.
build:
	CGO_ENABLED=0 $(GO) build -o bin/emend ./cmd/emend

install:
	CGO_ENABLED=0 $(GO) install ./cmd/emend

demo: install
	EMEND="$$($(GO) list -f '{{.Target}}' ./cmd/emend)" testdata/demo/run

test:
	$(GO) test -timeout 30m ./...

# Installs tools whose output emend reads, and compares what emend makes of it
# with what they write themselves. Those of the system (Go, git, cargo, and
# clang-tidy, which apt-get installs where it may) are used as they are; what is
# not there is skipped. (Behind a dot, so that Go does not look for packages.)
PRODUCERS = $(CURDIR)/bin/.producers

test-producers:
	GOBIN=$(PRODUCERS)/bin $(GO) install golang.org/x/tools/gopls@v0.21.1
	npm install --silent --no-save --prefix $(PRODUCERS) eslint@9.39 @ast-grep/cli@0.51 @astral-sh/ruff-wasm-nodejs@0.17
	cd $(PRODUCERS)/node_modules/@ast-grep/cli && node postinstall.js
	command -v clang-tidy || apt-get install -y -q clang-tidy clang-tools || echo "clang-tidy is not installed"
	ln -sf $(CURDIR)/e2e/testdata/ruff-json $(PRODUCERS)/bin/
	NODE_PATH=$(PRODUCERS)/node_modules PATH="$(PRODUCERS)/bin:$(PRODUCERS)/node_modules/.bin:$$PATH" $(GO) test -count 1 -v -run Producers ./e2e
	$(GO) test -count 1 -v -run Reference ./internal/input/lsp

race:
	CGO_ENABLED=1 $(GO) test -timeout 30m -race -short -skip '$(SWEEPS)' $(CONCURRENT)
	CGO_ENABLED=1 $(GO) test -timeout 30m -race -run Serve ./cmd/emend

check:
	.ci/run

# Every crash point with every survivor, every fault: long.
sweep:
	EMEND_LONG=1 $(GO) test -timeout 0 ./...

# A thousand kills of a real process.
kill:
	EMEND_LONG=1 $(GO) test -timeout 0 -count 1 -v -run Kill ./e2e

# Power cuts of real disks, ext4, xfs and btrfs in images: as root.
powercut:
	EMEND_LONG=1 $(GO) test -timeout 0 -count 1 -v -run PowerCut ./e2e

# Every fuzz target in turn, FUZZTIME each. An input that reaches new code is
# made smaller by 20 tries, not for a minute, which would be most of the time.
fuzz:
	@for pkg in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "== $$pkg $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x $$pkg || exit 1; \
		done; \
	done

# Side by side with others that do the same, as ratios, on an ext4 image with a
# journal (root), or on BENCHDIR's file system; one SUITE of them: commit,
# committers, foreign, hash, log, prepare, process, recover, scale.
BENCHDIR ?=
SUITE    ?=
bench:
	$(GO) -C bench run . $(if $(BENCHDIR),-dir $(BENCHDIR),-image) $(if $(SUITE),-suite $(SUITE))
