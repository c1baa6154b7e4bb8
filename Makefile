# Everything that a person or the CI does here. `make help` lists it.
# All paths are relative, so that the checkout may lie in a folder with spaces in its name.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
DECLARED := setup.cfg pyproject.toml constraints.txt
WORKERS ?= 2
PYTEST_ARGS ?=
SCALE ?= 1
PYTEST := $(BIN)/python -m pytest --quiet --numprocesses $(WORKERS) --dist loadfile
ARGS ?=
SCALE ?= 1

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo showcase env up test test-16 test-compose soak lint format bench bench-growth bench-history bench-lookup clean

help:  ## list what make can do
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name what; do \
	  printf '  make %-13s %s\n' "$$name" "$$what"; done

demo: $(VENV)/.demo  ## load the star into two embedded PostgreSQL servers; needs nothing but Python
	@$(BIN)/engine demo $(ARGS)

showcase: $(VENV)/.demo  ## load the star of mappings/showcase.yml, which has every technique of the language
	@$(BIN)/engine demo mappings/showcase.yml --seed init/showcase --folder .showcase $(ARGS)

env:  ## write .env, the settings of the stack, with random passwords
	@sh docker/make-env

up: env  ## bring up the stack in Docker: source, warehouse, and the engine, which loads the star
	@docker compose up --build $(ARGS)

test: $(VENV)/.test  ## run all tests (more for pytest: make test PYTEST_ARGS='-k watermark')
	@$(PYTEST) $(PYTEST_ARGS)

# Left out is what people only use with the newest server (demo, its servers, benchmarks, engine test), and what says
# with the same words what other tests say: a million rows, and the cookbook (its words: test_run_*, test_showcase).
test-16: $(VENV)/.test  ## run the integration tests against PostgreSQL 16
	@ENGINE_TEST_POSTGRES=16 $(PYTEST) $(PYTEST_ARGS) tests/integration \
	  $(patsubst %,--ignore=tests/integration/test_%.py,benchmarks cases cookbook demo embedded million)

# Files begin in the order of tests/compose/conftest.py; by their number of tests, the longest would come last.
test-compose: $(VENV)/.compose  ## run the tests of the stack on a real Docker; those of pgAdmin need chromium
	@$(PYTEST) --no-loadscope-reorder -m compose $(PYTEST_ARGS) tests/compose

soak: $(VENV)/.test  ## write the source and kill the engine all the time, 10 minutes (ARGS='--minutes 30')
	@$(BIN)/python -m tests.soak $(ARGS)

lint: $(VENV)/.dev  ## check style, types and the floors of the house
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --quiet --check
	@$(BIN)/mypy --strict --no-error-summary engine
	@$(BIN)/lint-imports --no-logo

format: $(VENV)/.dev  ## rewrite the code in the house style
	@$(BIN)/ruff check --quiet --fix
	@$(BIN)/ruff format --quiet

bench: $(VENV)/.bench  ## measure a load against hand-written SQL and other tools (SCALE=5, ARGS=--no-peers)
	@$(BIN)/python -m benchmarks --scale $(SCALE) $(ARGS)

bench-growth: $(VENV)/.bench  ## measure how the time of a load grows with the rows, 1 to 10 million orders
	@$(BIN)/python -m benchmarks.growth $(ARGS)

bench-history: $(VENV)/.bench  ## measure a dimension with a row for each version against hand-written SQL
	@$(BIN)/python -m benchmarks.history $(ARGS)

bench-lookup: $(VENV)/.bench  ## measure lookups through Redis and without it; needs redis-server
	@$(BIN)/python -m benchmarks.lookup $(ARGS)

clean:  ## remove the environment and the caches; the databases of the demo (.demo) stay
	@rm -rf $(VENV) benchmarks/.peers build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache \
	  .import_linter_cache .hypothesis .coverage .coverage.* htmlcov
	@find engine tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is written after its installation succeeded, and is older than what it was made from
# as soon as that changes: so an interrupted set-up is repeated, and a finished one is not.
$(VENV)/.demo: $(DECLARED) $(VENV)/.made
	@$(PIP) install --constraint constraints.txt --editable '.[demo]'
	@touch $@

$(VENV)/.test: $(DECLARED) $(VENV)/.made
	@$(PIP) install --constraint constraints.txt --editable '.[demo,test]'
	@touch $@

$(VENV)/.bench: $(DECLARED) $(VENV)/.made
	@$(PIP) install --constraint constraints.txt --editable '.[demo,bench]'
	@touch $@

$(VENV)/.compose: $(DECLARED) $(VENV)/.made
	@$(PIP) install --constraint constraints.txt --editable '.[demo,test,compose]'
	@touch $@

$(VENV)/.dev: $(DECLARED) $(VENV)/.made
	@$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@

$(VENV)/.made:
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	  if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	      >/dev/null 2>&1; then \
	    echo "setting up $(VENV) with $$("$$python" --version)" && \
	    "$$python" -m venv $(VENV) && touch $@; exit; \
	  fi; \
	done; \
	echo 'no Python 3.11 or newer with venv was found: install one (Debian, Ubuntu: apt install' \
	  'python3-venv; macOS: brew install python), or name it: make PYTHON=/path/to/python3' >&2; \
	exit 1
