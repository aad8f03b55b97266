# Every routine has a name here. They all use the environment in .venv.
BIN := .venv/bin

.PHONY: help setup check types lint imports test golden docs bench lock

help:            ## list the routines
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

setup:           ## make the environment from the locked versions
	python3 -m venv .venv
	$(BIN)/pip install -q -r constraints.txt
	$(BIN)/pip install -q --no-deps -e .

check: lint types imports test  ## everything that CI checks

lint:            ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:           ## strict types
	$(BIN)/mypy
	for suite in suites/*/; do (cd $$suite && $(abspath $(BIN))/mypy --config-file $(CURDIR)/pyproject.toml --cache-dir $(CURDIR)/.mypy_cache .) || exit 1; done

imports:         ## imports go down only
	$(BIN)/lint-imports

test:            ## the tests
	$(BIN)/pytest

golden:          ## record the journals anew and accept the outputs that follow from them
	$(BIN)/python tests/journals/record.py
	$(BIN)/pytest -q tests/state tests/views --snapshot-update

docs:            ## the pages that are made from the types
	$(BIN)/python -m itdash.reference

bench:           ## the figures, as tables
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/probe.py

lock:            ## pin every dependency with its hashes
	$(BIN)/pip-compile -q --strip-extras --generate-hashes --all-extras --no-emit-index-url --no-emit-trusted-host \
	  --allow-unsafe --no-header -o constraints.txt pyproject.toml
