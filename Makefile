# Everything is set up in .venv; nothing but Python 3.11 or newer and the package registry is needed. Where npm is
# installed too, `make test` also checks the page's scripts.
#
#   PYTHON    interpreter to make .venv with; by default the first fitting one is taken
#   PIP_ARGS  further arguments of `pip install`, such as --extra-index-url for a CPU-only torch
#   ARGS      further arguments of the command that the target runs, such as ARGS="--port 8000"

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?=
PIP_ARGS ?=
ARGS ?=

# Any warning is an error; the variable silences an advertisement of another generator.
SITE := NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

PAGE := $(if $(shell command -v npm 2>/dev/null),page-checked,page-unchecked)

.DEFAULT_GOAL := help
.PHONY: help serve test bench docs wheel clean
.PHONY: page-checked page-unchecked
.DELETE_ON_ERROR:

serve: $(VENV)/runtime.stamp ## serve the REST API and the page on 127.0.0.1:5000
	$(BIN)/reason serve $(ARGS)

test: $(VENV)/dev.stamp $(PAGE) ## check style, types, imports, page and documentation, then run the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(SITE)
	$(BIN)/python -m pytest $(ARGS)

bench: $(VENV)/runtime.stamp ## measure a full verdict against a bare forward and the published way
	$(BIN)/python -m benchmarks.verdict $(ARGS)

docs: $(VENV)/dev.stamp $(if $(shell command -v npm 2>/dev/null),build/mermaid.min.js) ## build the documentation's site into site/
	$(SITE)

wheel: $(VENV)/dev.stamp ## build the wheel and the source archive into dist/
	$(BIN)/python -m build --no-isolation $(ARGS)

clean: ## remove .venv, every cache and whatever was built
	rm -rf $(VENV) node_modules build dist site *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -type d -name __pycache__ -prune -exec rm -rf {} +

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

page-checked: node_modules/.package-lock.json
	npm run --silent check

page-unchecked:
	@echo "npm is not installed: ESLint and the type checks of the page's scripts are skipped."

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --no-audit --no-fund --silent
	@touch $@

$(VENV)/runtime.stamp: requirements.txt pyproject.toml $(BIN)/python
	@echo "Installing what REASON needs into $(VENV); the first time this takes some minutes."
	$(BIN)/python -m pip install --disable-pip-version-check --quiet $(PIP_ARGS) -r requirements.txt -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/runtime.stamp
	@echo "Installing what the tests need into $(VENV)."
	$(BIN)/python -m pip install --disable-pip-version-check --quiet $(PIP_ARGS) -e '.[dev]'
	@touch $@

# Draws the drawings of the documentation; without it their text is shown.
build/mermaid.min.js:
	mkdir -p build
	cd build && tar -xzf "$$(npm pack --silent mermaid@11)" --strip-components=2 package/dist/mermaid.min.js
	rm build/mermaid-*.tgz

# `ensurepip` is asked for because Debian's python3 can lack it, and then `venv` fails half-way.
FITS := -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))'
CANDIDATES := $(or $(PYTHON),python3 python3.11 python3.12 python3.13 python3.14 python)

$(BIN)/python:
	@for python in $(CANDIDATES); do \
		if $$python $(FITS) 2>/dev/null; then exec $$python -m venv --clear $(VENV); fi; \
	done; \
	echo "REASON needs Python 3.11 or newer with its venv module, and found none among: $(CANDIDATES)." >&2; \
	echo "Install one (Debian, Ubuntu: apt install python3 python3-venv), or name it: make PYTHON=..." >&2; \
	exit 1
