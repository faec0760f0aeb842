# Sluice. `make` alone says what there is. Needs Rust, Python 3 and make, nothing else.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/sluice

# Two jobs: the largest SDK crates take more than 2 GB each to compile.
export CARGO_BUILD_JOBS ?= 2
export CARGO_TARGET_DIR ?= $(CACHE)/target
# The emulator's virtual environment, where the tests and the demo find it.
export SLUICE_VENV ?= $(CACHE)/venv

MOTO_VERSION := 5.2.5
MOTO_STAMP := $(SLUICE_VENV)/.complete-moto-$(MOTO_VERSION)

PYTHON ?= python3
FUZZ_SECONDS ?= 60

.PHONY: help build release test lint demo demo-brake demo-honeytoken bench corpora fuzz schemas venv clean clean-venv

help: ## say what there is
	@echo "make targets:"
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{ printf "  %-15s %s\n", $$1, $$2 }'

build: ## the tools, in $CARGO_TARGET_DIR/debug
	cargo build --workspace --bins --locked

release: ## the tools, optimized, in $CARGO_TARGET_DIR/release (half an hour on two cores)
	cargo build --workspace --bins --release --locked

test: venv ## everything that has to pass; starts the emulator by itself
	cargo test --workspace --locked

lint: ## formatting, clippy, and dependencies where cargo-deny is installed
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	@if cargo deny --version >/dev/null 2>&1; then \
		cargo fetch --locked --quiet; \
		cargo deny --offline --log-level error check --hide-inclusion-graph bans licenses sources; \
	else \
		echo "lint: cargo-deny is not installed, so dependencies are not checked (cargo install cargo-deny --locked)"; \
	fi

demo: venv build ## the pipeline on an emulated AWS account full of mistakes
	@SLUICE_BIN='$(CARGO_TARGET_DIR)/debug' SLUICE_MOTO='$(SLUICE_VENV)/bin/moto_server' ./tests/demo.sh

demo-brake: venv build ## the emergency brake: a runaway account halted, and let go again
	@SLUICE_BIN='$(CARGO_TARGET_DIR)/debug' SLUICE_MOTO='$(SLUICE_VENV)/bin/moto_server' ./tests/demo-brake.sh

demo-honeytoken: venv build ## decoy keys on an emulated AWS account: made, planted, used, caught, paged, expired
	@SLUICE_BIN='$(CARGO_TARGET_DIR)/debug' SLUICE_MOTO='$(SLUICE_VENV)/bin/moto_server' ./tests/demo-honeytoken.sh

bench: ## memory and throughput of audit, of reading CloudTrail's records and of watching decoys, beside jq
	$(PYTHON) audit/benches/stream.py
	$(PYTHON) common/benches/events.py
	$(PYTHON) honeytoken/benches/watch.py

corpora: ## whether all CloudTrail records below DIR are read: make corpora DIR=logs
	@test -d '$(DIR)' || { echo 'corpora: DIR has to be a directory of CloudTrail files (.json, .gz)' >&2; exit 2; }
	SLUICE_CORPORA='$(abspath $(DIR))' cargo test --locked -p common --features events --lib -- --ignored --nocapture corpora

fuzz: ## each fuzz target for FUZZ_SECONDS (60); needs nightly Rust and cargo-fuzz
	@set -e; for crate in common audit; do \
		for target in $$(cd $$crate && cargo +nightly fuzz list); do \
			echo "fuzz: $$crate/$$target for $(FUZZ_SECONDS) s"; \
			(cd $$crate && cargo +nightly fuzz run "$$target" -- -max_total_time=$(FUZZ_SECONDS)); \
		done; \
	done

schemas: ## write anew what is generated: schemas/, docs/permissions.md, tables of the documents
	SLUICE_BLESS=1 cargo test --workspace --locked --test documents

# Checked each time: a stamp says that pip came to its end, python that it still runs (it does not after the system's
# Python went away). Anything else is made anew, from nothing.
venv: ## the emulator's virtual environment
	@if ! { test -f '$(MOTO_STAMP)' && '$(SLUICE_VENV)/bin/python' -c '' 2>/dev/null; }; then \
		set -e; \
		echo "venv: moto $(MOTO_VERSION) into $(SLUICE_VENV)"; \
		rm -rf '$(SLUICE_VENV)'; \
		$(PYTHON) -m venv '$(SLUICE_VENV)'; \
		'$(SLUICE_VENV)/bin/python' -m pip install --quiet --disable-pip-version-check 'moto[server]==$(MOTO_VERSION)'; \
		touch '$(MOTO_STAMP)'; \
	fi

clean: ## what cargo built
	cargo clean

clean-venv: ## the emulator's virtual environment
	rm -rf '$(SLUICE_VENV)'
