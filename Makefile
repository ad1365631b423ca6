# What one does with this project, each in a word.  `make` alone lists them.
#
#   make run [ARGS=--once]      a Master, a node and a running example, from nothing
#   make test [TESTS=tests/…]   lint, types, import contracts, then every test
#   make lint                   the first three of these
#   make coverage               lines of the codec, the server and the domain that the tests reach
#   make bench [ARGS=…]         speed, side by side with SlapProxy
#   make crash [N=100]          kill the server N times under load; compare what was acknowledged
#   make docs                   check every page: syntax, links, commands
#   make changes                CHANGES.rst of the next version from news/
#   make dist                   wheel and source distribution in dist/
#   make clean                  remove what the above has made
#
# PYTHON=… chooses the interpreter (3.11 to 3.13) that .venv is made of.

VENV ?= .venv
N ?= 100
TESTS ?= tests
JOBS ?= 2
PIP = $(VENV)/bin/python -m pip --disable-pip-version-check --quiet
PYTEST = $(VENV)/bin/python -m pytest
METADATA = setup.cfg pyproject.toml
RUNNABLE = $(VENV)/.runnable
TESTABLE = $(VENV)/.testable
#: what must reach the lines by itself, module by module; the other tests reach them too
COVERED = tests/unit tests/wire tests/property/test_codec.py

.DEFAULT_GOAL = help
.PHONY: help run test lint coverage bench crash docs changes dist clean

help:
	@sed -n '/^#   make/s/^#   //p' Makefile

$(VENV)/bin/python:
	@.ci/make-venv $(VENV)

$(RUNNABLE): $(METADATA) | $(VENV)/bin/python
	@echo "installing slapmaster into $(VENV) …"
	@$(PIP) install --editable .
	@touch $@

$(TESTABLE): $(METADATA) | $(VENV)/bin/python
	@echo "installing slapmaster and what its tests need into $(VENV) …"
	@$(PIP) install --editable '.[test]'
	@touch $@ $(RUNNABLE)

run: $(RUNNABLE)
	@$(VENV)/bin/python -m slapmaster.demo $(ARGS)

lint: $(TESTABLE)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

test: lint
	$(PYTEST) -q -n $(JOBS) --dist loadscope -rsfE $(TESTS)

coverage: $(TESTABLE)
	$(VENV)/bin/coverage erase
	$(VENV)/bin/coverage run -m pytest -q $(COVERED)
	$(VENV)/bin/coverage report

bench: $(TESTABLE)
	$(VENV)/bin/python -m tests.bench $(ARGS)

crash: $(TESTABLE)
	$(PYTEST) -q -s tests/crash --cycles $(N)

docs: $(TESTABLE)
	$(PYTEST) -q tests/rules/test_docs.py

changes: $(TESTABLE)
	@$(PIP) install towncrier
	$(VENV)/bin/towncrier build --config towncrier.toml --yes --version "$$($(VENV)/bin/python -c 'from importlib.metadata import version; print(version("slapmaster"))')"

dist: $(TESTABLE)
	$(VENV)/bin/python -m build --no-isolation

clean:
	rm -rf $(VENV) build dist .coverage .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
