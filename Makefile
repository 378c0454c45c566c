.DEFAULT_GOAL := help
.PHONY: help setup run examples test test-fast test-clients check check-format check-lint check-types check-layers \
        check-docs fix docs pictures lock clean

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready
DOCS := $(wildcard scripts/write_docs.py)
PYTEST := $(BIN)/python -m pytest
# Each file of tests stays on one core: what it sets up it sets up once.
SPREAD := -n auto --dist loadfile --inline-snapshot=disable

# The wheel brings pyright and Node along; asking whether there is a newer one would need the network.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

help:  ## list these targets
	@awk -F ':.*  ## ' '/^[a-z-]+:.*  ## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: $(STAMP)  ## make the virtual environment in .venv

$(STAMP): requirements/dev.txt pyproject.toml scripts/setup
	@scripts/setup "$(PYTHON)"
	@touch $@

run: setup  ## import what this machine has (or offer the demo), then start whycold serve
	@scripts/run

examples: setup  ## explain the shipped pairs of requests
	@scripts/run-examples

test: setup  ## run every test
	@$(PYTEST) $(SPREAD)

test-fast: setup  ## run the tests that take no more than a few seconds each
	@$(PYTEST) -q $(SPREAD) -m "not slow"

test-clients: setup  ## run opencode, Codex CLI and Claude Code through whycold serve (npm; 1.2 GB in .cache)
	@$(PYTEST) -q -rs clients

check: check-format check-lint check-types check-layers check-docs  ## format, lint, types, layers, docs

check-format: setup
	@echo "check: format"
	@$(BIN)/ruff format --check --quiet

check-lint: setup
	@echo "check: lint"
	@$(BIN)/ruff check --quiet

check-types: setup
	@echo "check: types"
	@$(BIN)/pyright

check-layers: setup
	@echo "check: layers"
	@$(BIN)/lint-imports --no-logo

check-docs: setup
	@echo "check: docs"
	@$(foreach script,$(DOCS),$(BIN)/python $(script) --check)

fix: setup  ## format, and mend what ruff can mend
	@$(BIN)/ruff check --fix --quiet || true
	@$(BIN)/ruff format

docs: setup  ## write the generated pages of docs/ anew
	@$(foreach script,$(DOCS),$(BIN)/python $(script))

pictures: setup  ## make the pictures of docs/ anew (needs chromium)
	@$(BIN)/python scripts/make_pictures.py
	@$(BIN)/python -m scripts.make_dashboard_pictures

lock: setup  ## resolve requirements/*.txt anew (UPGRADE=1: to newer releases)
	@scripts/lock $(if $(UPGRADE),--upgrade)

clean:  ## remove the virtual environment and the caches
	@rm -rf .venv build dist .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov
