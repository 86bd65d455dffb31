# The two commands are `make demo` and `make test`; the rest serves them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test bench lint types lock clean

help: ## Show the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# A stamp for each set of dependencies, so that a second run installs nothing.
$(VENV)/local.stamp: requirements/local.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "mostread needs Python 3.11 or newer; say which with: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the embedded stack (about 300 MB, once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/local.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "mostread needs Python 3.11 or newer; say which with: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@ $(VENV)/local.stamp

demo: $(VENV)/local.stamp ## Start everything, load ten articles, check the list (STILL=1: no simulated readers)
	@exec $(BIN)/mostread demo $(if $(STILL),--still) $(DEMO)

test: $(VENV)/dev.stamp ## Run every test on real Kafka and ClickHouse
	@$(BIN)/python -m pytest $(TESTS)

bench: $(VENV)/dev.stamp ## Measure against the peers, in one run
	@cd tests && ../$(BIN)/python -m benchmarks

lint: $(VENV)/dev.stamp ## ruff, import contracts
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports

types: $(VENV)/dev.stamp ## mypy --strict
	@$(BIN)/mypy

lock: $(VENV)/dev.stamp ## Pin all dependencies again, with hashes
	@for set in "base:" "local:--extra local" "dev:--extra local --extra dev"; do \
	  $(BIN)/pip-compile --quiet --upgrade --allow-unsafe --generate-hashes --strip-extras --no-header \
	    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	    $${set#*:} -o requirements/$${set%%:*}.txt pyproject.toml; done

clean: ## Remove what was installed and all local data
	rm -rf $(VENV) .mostread
