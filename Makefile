# `make` shows what there is. Each target makes .venv first if it needs it; PYTHON=... chooses the interpreter for it.

PYTHON ?= python3
ARGS ?=

BIN = .venv/bin
.DEFAULT_GOAL = help
.PHONY: help .venv compiled demo test bench lint format docs screenshots packages clean

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: compiled ## serve examples/demo with three sample servers, until Ctrl-C; ARGS=--traffic has it ask them, too
	$(BIN)/python examples/demo/demo.py $(ARGS)

test: .venv ## run all tests side by side; ARGS="tests/data -k chunk" runs some, ARGS="-n 0" one after the other
	$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

lint: .venv lint-image ## check style, types and the Dockerfile
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: .venv ## bring the code into its form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: .venv ## write the pages that are made from definitions
	$(BIN)/python tools/configuration.py
	$(BIN)/python tools/metrics.py
	$(BIN)/python tools/gateway_api.py
	$(BIN)/python tools/policies.py
	$(BIN)/python tools/migration.py

screenshots: .venv ## take docs/images/page-*.webp of the demo under load (needs chromium)
	$(BIN)/python tools/screenshots.py

packages: ## install the Debian packages that some tests and benchmarks use (as root)
	sh tools/packages.sh test

clean: ## remove everything that was made
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find edge \( -name '*.so' -o -name 'compiled.json' -o -name '__pycache__' \) -prune -exec rm -rf {} +

# --- the virtual environment --------------------------------------------------------------------------------------------

# Whether a module has to be compiled is judged by its content, not by times, which git changes as it likes.
IS_CURRENT = $(BIN)/python -m edge.system.compiled 2>/dev/null
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable

.venv: .venv/tools
	@$(IS_CURRENT) || $(BIN)/python setup.py --quiet build_ext --inplace

compiled: .venv/edge
	@$(IS_CURRENT) || $(INSTALL) .

.venv/bin/python:
	PYTHON=$(PYTHON) sh tools/packages.sh build
	$(PYTHON) -m venv .venv

.venv/edge: .venv/bin/python pyproject.toml setup.py
	$(INSTALL) .
	touch $@

.venv/tools: .venv/bin/python pyproject.toml setup.py
	$(INSTALL) '.[test,lint]'
	touch .venv/edge $@

# --- targets of the parts -----------------------------------------------------------------------------------------------

include $(wildcard deploy/*/*.mk bench/*.mk tests/*/*.mk grafana/*.mk)
