# `make` shows what there is. Each target makes .venv first if it needs it; PYTHON=... chooses the interpreter for it.

PYTHON ?= python3
ARGS ?=

BIN = .venv/bin
PXD = $(shell find edge -name '*.pxd')
# What is compiled: Cython, and the plain modules that have types beside them.
SOURCES = pyproject.toml setup.py $(shell find edge -name '*.pyx') $(PXD) $(wildcard $(PXD:.pxd=.py))

.DEFAULT_GOAL = help
.PHONY: help .venv demo test bench lint format docs packages clean

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/edge ## serve examples/demo with three sample servers, until Ctrl-C
	$(BIN)/python examples/demo/demo.py $(ARGS)

test: .venv ## run all tests; ARGS="tests/data -k chunk" runs some
	$(BIN)/pytest $(ARGS)

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

packages: ## install the Debian packages that some tests and benchmarks use (as root)
	sh tools/packages.sh test

clean: ## remove everything that was made
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find edge \( -name '*.so' -o -name '__pycache__' \) -prune -exec rm -rf {} +

# --- the virtual environment --------------------------------------------------------------------------------------------

.venv: .venv/tools

.venv/bin/python:
	PYTHON=$(PYTHON) sh tools/packages.sh build
	$(PYTHON) -m venv .venv

.venv/edge: .venv/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/tools: .venv/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,lint]'
	touch .venv/edge $@

# --- targets of the parts -----------------------------------------------------------------------------------------------

include $(wildcard deploy/*/*.mk bench/*.mk tests/*/*.mk grafana/*.mk)
