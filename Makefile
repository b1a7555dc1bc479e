.DEFAULT_GOAL := help
.PHONY: help dev stack stop token demo test lint unit e2e e2e-dynamodb-local faults model client-test fuzz fuzz-previews
.PHONY: bench bench-previews build deploy rotate-key redrive
.PHONY: sam-local watch invoke clean

# Of the deployed functions; the template's Architecture parameter must say the same.
ARCH ?= arm64
# How and where they are built.
PROFILE := release
BUILD := build
FUNCTION ?= upload-file
# Of the fuzz targets in preview/fuzz.
TARGET ?= jpeg
SECONDS ?= 60
# Outside the checkout, so that it stays small enough to copy, mount and search. Each has its own: Cargo would take what
# another checkout built for what this one's files say.
CARGO_TARGET_DIR ?= $(HOME)/.cache/file-api$(CURDIR)/target
export CARGO_TARGET_DIR

# The binaries that are deployed.
functions := $(patsubst functions/%/Cargo.toml,%,$(wildcard functions/*/Cargo.toml))
# Always of the whole workspace with a test target: Cargo unifies features over what it is asked to build, and for another
# set of features it would compile the AWS SDKs again.
cargo = cargo $(1) --profile local
# Builds what renders previews, and puts it beside each function that answers with one: $(call render,FOLDER,ARCHITECTURE).
render = $(tools) cargo-lambda lambda build --profile render $(2) --lambda-dir $(1) --package preview && \
	for function in $(1)/preview-*/; do cp $(1)/render/bootstrap "$$function/render"; done
tools := PATH="$(CURDIR)/.local/tools/bin:$$PATH"
with_stack := set -a; . .local/stack.env; set +a;

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

dev: stack ## start the emulator, build, deploy, and print the address, a token and three curl lines
	@infra/local/hello.sh

stack: .local/emulator/installed.txt .local/tools/installed.txt
	@infra/local/emulator.sh start
	@infra/local/deploy.sh

stop: ## stop the emulator; its data stays
	@infra/local/emulator.sh stop

token: ## print a signed token: ORG=123 USER=someone ADMIN=true TTL=86400 ALG=RS256|ES256|EdDSA
	@node infra/local/token.mjs

demo: stack ## upload, save, download and preview a real file, request by request: FILE=path
	@$(with_stack) node infra/local/demo.mjs "$(FILE)"

test: lint unit ## everything: lint, unit, then end-to-end, client and generated tests on a running stack
	@infra/local/test.sh

lint: .local/tools/installed.txt tests/client/node_modules/.package-lock.json ## check formatting, Rust, licences, the scripts, the template and the OpenAPI document
	cargo fmt --all --check
	$(call cargo,clippy) --workspace --all-targets -- --deny warnings
	$(tools) cargo-deny --all-features --config infra/lint/deny.toml check --hide-inclusion-graph bans licenses sources
	AWS_DEFAULT_REGION=eu-central-1 SAM_CLI_TELEMETRY=0 $(tools) sam validate --lint
	$(tools) cfn-lint --regions eu-central-1 --template template.yaml
	npm --prefix tests/client run --silent lint:openapi
	node --test infra/local/scripts.test.mjs

unit: ## run the unit tests, and those of previews against golden images, bombs and the corpus of the fuzz targets
	$(call cargo,test) --workspace --lib --bins --test proof

e2e: stack ## run the end-to-end tests against the local stack
	@$(with_stack) $(call cargo,test) --workspace --test e2e

e2e-dynamodb-local: .local/emulator/installed.txt .local/tools/installed.txt tests/dynamodb-local/node_modules/.package-lock.json ## run them with AWS's DynamoDB Local beside the emulator, and compare (needs Java)
	@tests/dynamodb-local/run.sh

# `stack` builds it with the functions.
faults: stack ## let each AWS call of each writing operation fail, and check the promises: ALL=1, or FAULT=scenario/call/...
	@$(CARGO_TARGET_DIR)/local/faults build $(if $(ALL),--all) $(if $(FAULT),--only $(FAULT))

model: stack ## compare the local stack with a model of the API, by random operations at once: STEPS=300 SEED=1
	@$(with_stack) STEPS=$(STEPS) SEED=$(SEED) $(call cargo,test) --workspace --test model -- --nocapture

client-test: stack tests/client/node_modules/.package-lock.json ## run the official Node client and a browser against the local stack
	@chromium=$$(infra/local/chromium.sh); $(with_stack) CHROMIUM="$$chromium" npm --prefix tests/client test --silent

fuzz: stack .local/schemathesis/installed.txt ## send the local stack what infra/openapi.yaml allows and what it forbids
	@$(with_stack) .local/schemathesis/bin/python infra/local/fuzz.py

# The sanitizer needs a nightly compiler. What is found goes to .local; the corpus in the repository only starts it.
fuzz-previews: .local/tools/installed.txt ## look for files that crash rendering: TARGET=jpeg|pdf|... SECONDS=60
	@cargo +nightly --version >/dev/null || { echo "Install it first: rustup toolchain install nightly"; exit 1; }
	@mkdir -p .local/fuzz/$(TARGET)
	$(tools) ASAN_OPTIONS=detect_odr_violation=0 CARGO_TARGET_DIR=$(CARGO_TARGET_DIR)/fuzz \
		cargo +nightly fuzz run --fuzz-dir preview/fuzz $(TARGET) .local/fuzz/$(TARGET) preview/fuzz/corpus/$(TARGET) -- \
		-max_total_time=$(SECONDS) -max_len=16000 -rss_limit_mb=1024 -timeout=5 -print_final_stats=1

bench: stack bench-previews ## measure every function beside an empty one, as release builds for this machine
	$(tools) cargo-lambda lambda build --release --lambda-dir .local/bench $(functions:%=--package %)
	$(tools) cargo-lambda lambda build --release --lambda-dir .local/bench --package empty
	$(call render,.local/bench)
	cargo run --release --package bench -- .local/bench

bench-previews: bench/preview/node_modules/.package-lock.json ## measure rendering beside sharp, from bytes to bytes
	cargo build --profile render --package preview --example time
	node bench/preview/bench.mjs $(CARGO_TARGET_DIR)/render/examples/time .local/bench-previews

build: .local/tools/installed.txt ## build the functions for deployment into build/: ARCH=arm64|x86_64
	@case $(ARCH) in arm64|x86_64) ;; *) echo "ARCH is arm64 or x86_64, not $(ARCH)."; exit 1;; esac
	$(tools) cargo-lambda lambda build --profile $(PROFILE) --$(subst _,-,$(ARCH)) --lambda-dir $(BUILD) $(functions:%=--package %)
	$(call render,$(BUILD),--$(subst _,-,$(ARCH)))
	@python3 infra/glibc.py $(BUILD)

deploy: ## build, and deploy to the AWS account of your credentials as samconfig.toml says
	@! grep -q 'issuer\.example' samconfig.toml || { echo "Put your own token issuer into samconfig.toml first."; exit 1; }
	@grep -q 'Architecture=$(ARCH)' samconfig.toml || { echo "samconfig.toml does not say Architecture=$(ARCH)."; exit 1; }
	@$(MAKE) --no-print-directory build
	$(tools) sam deploy

rotate-key: .local/tools/installed.txt ## replace the key that signs custom download URLs, on AWS or, with LOCAL=1, locally
	@$(if $(LOCAL),infra/local/emulator.sh running || { echo "The emulator is not running: make dev first."; exit 1; }; $(with_stack)) \
		.local/tools/bin/python infra/rotate_key.py

redrive: .local/tools/installed.txt ## send PurgeFiles what it could not handle before, on AWS or, with LOCAL=1, locally
	@$(if $(LOCAL),infra/local/emulator.sh running || { echo "The emulator is not running: make dev first."; exit 1; }; $(with_stack)) \
		.local/tools/bin/python infra/redrive.py

sam-local: .local/emulator/installed.txt .local/tools/installed.txt ## build for Lambda and run `sam local start-api` (needs Docker)
	@infra/local/sam-local.sh

watch: stack ## run one function under `cargo lambda watch`: FUNCTION=get-file
	@infra/local/watch.sh $(FUNCTION)

invoke: ## send a watched function its sample event: FUNCTION=get-file
	@infra/local/invoke.sh $(FUNCTION)

clean: ## stop the emulator and remove its data, the build and the installed tools
	@infra/local/emulator.sh stop
	rm -rf .local build tests/client/node_modules tests/dynamodb-local/node_modules bench/preview/node_modules

.local/%/installed.txt: infra/local/%.txt
	@infra/local/install.sh $*

%/node_modules/.package-lock.json: %/package-lock.json
	npm --prefix $* ci --no-audit --no-fund
	@touch $@
