# Everything a newcomer needs: `make demo`, `make audit LOGS=path`, `make test`, `make check`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOGS ?= trueup-demo/logs
OUT ?= trueup-report

# As they were written: every stream's folder has a `$$LATEST` in its name, which is no variable.
export LOGS_AS_GIVEN := $(value LOGS)
export OUT_AS_GIVEN := $(value OUT)

.PHONY: help demo audit test check format lint types contracts docs lock clean

help:
	@echo "make demo               make sample logs, audit them, say where to look"
	@echo "make audit LOGS=path    audit logs of your own (OUT=folder for the reports)"
	@echo "make test               run the tests"
	@echo "make check              everything CI runs: format, lint, types, contracts, tests, docs"

# What it takes to run: nothing but trueup and its libraries.
$(VENV)/run: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

# What it takes to develop, in the versions that requirements-dev.txt locks.
$(VENV)/dev: requirements-dev.txt $(VENV)/run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@

demo: $(VENV)/run
	rm -rf trueup-demo
	$(BIN)/trueup demo

audit: $(VENV)/run
	$(BIN)/trueup audit "$$LOGS_AS_GIVEN" --out "$$OUT_AS_GIVEN"

test: $(VENV)/dev
	$(BIN)/python -m pytest

check: lint types contracts docs test

format: $(VENV)/dev
	$(BIN)/ruff format src tests benchmarks docs
	$(BIN)/ruff check --fix src tests benchmarks docs

lint: $(VENV)/dev
	$(BIN)/ruff format --check src tests benchmarks docs
	$(BIN)/ruff check src tests benchmarks docs

types: $(VENV)/dev
	$(BIN)/mypy

contracts: $(VENV)/dev
	$(BIN)/lint-imports

# The pages that are made from the code are as the code makes them.
docs: $(VENV)/dev
	$(BIN)/python docs/make_pages.py --check

# Lock what is installed for development, from pyproject.toml.
lock: $(VENV)/dev
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --no-emit-index-url --custom-compile-command "make lock" --group dev pyproject.toml --output-file requirements-dev.txt

clean:
	rm -rf $(VENV) trueup-demo trueup-report
