# Everything a person or CI runs. `make` lists it.
#
# One profile for all of it: building wasmtime dominates, so it is built once.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# The toolchain file names a target that rustup cannot fetch on a closed network. Naming the toolchain here
# keeps rustup from trying before every cargo command; `.ci/wasm-target` fetches or makes what is missing.
export RUSTUP_TOOLCHAIN := $(shell sed -n 's/^channel = "\(.*\)"$$/\1/p' rust-toolchain.toml)

TOOLGATE := target/debug/toolgate
TOOLS := echo files json table web_page diff calc support_desk
VENV := target/venv

.PHONY: help sim crash demo test check fmt clippy doc deny host guests target run-tests clients bench clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

demo: host guests ## Set up, then watch an agent work through a day, every call decided
	@python3 tools/support_desk/desk/make_xlsx.py
	@python3 tests/demo/agent.py $(TOOLGATE)

test: host guests run-tests ## Set up, then run all tests

check: target fmt clippy doc deny test clients demo ## Run what CI runs

target: ## Make this machine able to build guests
	@.ci/wasm-target

# Tests are built along, since what they depend on decides how some crates are built: without them, the
# engine would be built twice. The examples are built along for the test that runs one.
host: target ## Build the host
	cargo build --workspace --lib --bins --tests --examples --locked

guests: host ## Build the tools as components
	$(TOOLGATE) build $(addprefix tools/,$(TOOLS)) --out tools/build >/dev/null

run-tests:
	@if cargo nextest --version >/dev/null 2>&1; then \
		cargo nextest run --workspace --locked --no-fail-fast; \
	else \
		cargo test --workspace --locked --no-fail-fast --lib --bins --tests; \
	fi
	cargo test --workspace --locked --doc

SEEDS ?= 10000
SQLITE_SEEDS ?= 200
KILLS ?= 10000

sim: host ## Simulate agents on virtual time: SEEDS=N, SQLITE_SEEDS=N, or SEED=N to replay one
	SIM_SEEDS=$(SEEDS) SIM_SQLITE_SEEDS=$(SQLITE_SEEDS) $(if $(SEED),SIM_SEED=$(SEED)) cargo nextest run --workspace --locked --no-capture -E 'test(sim::)'

crash: host guests ## Kill real hosts, KILLS=N times
	CRASH_KILLS=$(KILLS) cargo nextest run --workspace --locked --no-capture -E 'test(crash_harness::)'

fmt:
	cargo fmt --all --check

clippy:
	cargo clippy --workspace --all-targets --locked -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

deny:
	cargo deny --locked check bans licenses sources

clients: host guests ## Real MCP clients: PyPI mcp, npm client, sdk and inspector
	@mkdir -p target/clients/answers
	@test -x $(VENV)/bin/pip || python3 -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --requirement tests/clients/python/requirements.txt
	$(VENV)/bin/python tests/clients/python/check.py --slow sleep_forever --progress wait_for_colleague --progress-arguments '{"ticket_id": "T-1"}' -- $(TOOLGATE) serve --policy tests/clients/policy.toml
	@cd tests/clients/node && npm install --silent --ignore-scripts --no-audit --no-fund --no-package-lock
	.ci/node tests/clients/node/check.mjs --slow sleep_forever -- $(TOOLGATE) serve --policy tests/clients/policy.toml

bench: guests ## Measure, each figure beside its baseline
	cargo build --release --locked -p toolgate --bins --example native_echo
	cargo bench --locked -p toolgate

clean: ## Remove what was built
	cargo clean
	rm -rf tools/build
