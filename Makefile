# `make demo` and `make test` set everything up by themselves: a virtual environment in .venv with
# the package installed into it (not linked: what is tested is what ships).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := pyproject.toml $(shell find harness checkers systems histories -name '*.py' -o -name '*.json' -o -name py.typed -o -path '*/templates/*')

.PHONY: demo test lint nightly bench clean help

help:
	@echo "make demo     set up, then run a five-node Raft under partitions and crashes, and convict a broken one"
	@echo "make test     set up, then run the tests (under ten minutes on two cores)"
	@echo "make lint     ruff, strict mypy, the layer contract"
	@echo "make nightly  the long tests"
	@echo "make bench    the benchmarks; results are in docs/benchmarks.md"

$(VENV)/ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("splitbrain needs Python 3.11 or later; name one with make PYTHON=...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check '.[dev]'
	touch $@

$(VENV)/installed: $(VENV)/ready $(SOURCES)
	rm -rf build
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall .
	touch $@

demo: $(VENV)/installed
	$(BIN)/splitbrain run raft --faults partition,kill,pause --time-limit 20
	@echo
	@echo "Now the same Raft with one rule removed (a leader answers reads without confirming that it still leads):"
	$(BIN)/splitbrain run raft --bug unconfirmed-read; test $$? -eq 1

# The checkers' tests keep one core busy and wait for nothing; most of the others wait for real clusters.
test: $(VENV)/installed
	@$(BIN)/pytest -m 'not nightly' -p no:cacheprovider tests/checkers > $(VENV)/checkers.log 2>&1 & checkers=$$!; \
	$(BIN)/pytest -m 'not nightly' --ignore=tests/checkers; code=$$?; \
	wait $$checkers || code=1; cat $(VENV)/checkers.log; exit $$code

nightly: $(VENV)/installed
	$(BIN)/pytest -m nightly --timeout 3600

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy -p splitbrain
	$(BIN)/lint-imports

bench: $(VENV)/installed
	$(BIN)/python benchmarks/all.py

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
