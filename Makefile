.DEFAULT_GOAL := help
.PHONY: help setup run test test-fast check fix docs lock clean

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready

help:  ## list these targets
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|'

setup: $(STAMP)  ## make the virtual environment at .venv

$(STAMP): requirements/dev.txt pyproject.toml
	@scripts/setup "$(PYTHON)"
	@touch $@
