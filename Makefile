# The front door. Needs Python 3.11 or newer, Rust and make; everything else comes by itself.

UV_VERSION := 0.13.9

# A uv that works, or one of our own: a shim without a program behind it also answers to `command -v`.
UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo .tools/bin/uv)
RUN := $(UV) run --locked
CARGO_FLAGS := --workspace --locked
# What builds the extension for uv.
export MATURIN_PEP517_ARGS := --locked

.DEFAULT_GOAL := help
.PHONY: help setup run test check-python check-rust check-proto test-rust test-loom test-python faults faults-long fuzz-long soak bench bench-quick format proto dist

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

setup: $(filter .tools/bin/uv,$(UV)) ## install everything into .venv and build the extension
	$(UV) sync --locked

.tools/bin/uv:
	python3 -m venv .tools
	.tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

run: setup ## start the demo
	$(RUN) utterson demo

test: check-python check-proto check-rust test-rust test-loom test-python ## everything that must pass, but for what faults and faults-long look for

check-python: setup
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy
	$(RUN) lint-imports

check-proto: setup
	$(RUN) buf lint
	$(RUN) buf breaking proto --against $(wildcard proto/image-*.binpb)

check-rust: setup
	cargo fmt --all --check
	$(RUN) cargo clippy $(CARGO_FLAGS) --all-targets -- -D warnings

test-rust: setup
	$(RUN) cargo test $(CARGO_FLAGS)
	$(RUN) cargo test --release --locked -p utterson-codec --test cost

test-loom: ## the hand-over between the threads of front and loop, in every order
	RUSTFLAGS="--cfg utterson_loom" cargo test --locked -p utterson-front --test loom --target-dir target/loom

test-python: setup
	$(RUN) pytest

faults: setup ## what goes wrong on purpose, for about three minutes: the protocol's model, the simulation, recorded histories
	cargo test --release --locked -p utterson-protocol-model -- --include-ignored
	$(RUN) python -m tests.simulation --seeds 2000 --jobs 2
	$(RUN) python -m tests.histories --rounds 1 --seconds 20

faults-long: setup ## the same for hours, with seeds of its own
	cargo test --release --locked -p utterson-protocol-model -- --include-ignored
	$(RUN) python -m tests.simulation --seed 1000000 --seeds 100000 --jobs 2
	$(RUN) python -m tests.histories --seed 1000000 --minutes 120

fuzz-long: setup ## any bytes through what takes bytes, for an hour each, steered by the code that is reached; needs a C++ compiler
	$(RUN) python -m tests.fuzz --seconds 3600

soak: setup ## a server at 70 % of what it can take for an hour: memory, descriptors, connections, times of calls stay flat
	$(RUN) --group bench python -m tests.soak --minutes 60 --share 0.7

bench: setup ## measure us beside the alternatives: the whole table, within an hour
	$(RUN) --group bench python -m benchmarks

bench-quick: setup ## the core goals only, in about two minutes
	$(RUN) --group bench python -m benchmarks --quick

format: setup ## bring all sources into shape
	$(RUN) ruff check --fix
	$(RUN) ruff format
	cargo fmt --all

proto: setup ## generate the Python code anew, after a change to the protos
	$(RUN) python proto/generate.py

dist: setup ## build and check what a release publishes, into the folder dist (docs/release.md)
	rm -rf dist
	$(UV) build --sdist --out-dir dist
	$(UV) build python --out-dir dist
	$(RUN) --group release maturin build --release --locked --zig --compatibility manylinux2014 --out dist
	$(RUN) --group release abi3audit --strict dist/utterson-*.whl
	$(RUN) --group release auditwheel show dist/utterson-*.whl
