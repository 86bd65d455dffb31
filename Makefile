# The two commands are `make demo` and `make test`; the rest serves them.
# The first of these that is there and new enough; the locked versions were chosen on 3.11.
PYTHON ?= $(firstword $(foreach name,python3.11 python3 python3.12 python3.13,$(shell \
	$(name) -c 'import sys; sys.version_info < (3, 11) or print("$(name)")' 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast bench chaos tracker lint fix types docs coverage sbom vulnerabilities \
	lock hooks clean

help: ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# A stamp for each set of dependencies, so that a second run installs nothing. It is touched
# last: an interrupted installation is repeated.
INSTALL = @test -n "$(PYTHON)" || { \
	echo "mostread needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python"; exit 1; }; \
	$(PYTHON) tools/install.py $(VENV)

$(VENV)/local.stamp: requirements/local.txt requirements/uv.txt requirements/kafka.txt pyproject.toml
	@echo "First start: downloading about 400 MB, once."
	$(INSTALL) requirements/local.txt --kafka
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt requirements/uv.txt pyproject.toml
	$(INSTALL) requirements/dev.txt
	@touch $@ $(VENV)/local.stamp

demo: $(VENV)/local.stamp ## Start everything, load ten articles, check the list (NO_TRAFFIC=1: no simulated readers)
	@exec $(BIN)/mostread demo $(if $(NO_TRAFFIC),--no-traffic) $(DEMO)

# Most tests wait for servers: a few at once, each worker with a Kafka and a ClickHouse of its own.
WORKERS ?= 3
PYTEST = $(BIN)/python -m $(if $(COVERAGE),coverage run -m )pytest
test: $(VENV)/dev.stamp ## Run every test, with embedded Kafka and ClickHouse (COVERAGE=1: measure it)
	@$(if $(filter tests/unit%,$(TESTS)),,$(BIN)/python -m mostread.devstack.servers.kafka_download || { \
		echo "Most tests run on that embedded Kafka. These need no server: make test-fast"; exit 1; })
	@$(if $(COVERAGE),rm -rf build/coverage)
	@$(PYTEST) --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder $(TESTS)

test-fast: $(VENV)/dev.stamp ## Run the tests that start no server, in under a minute
	@$(PYTEST) --numprocesses=2 --dist=worksteal --hypothesis-profile=fast tests/unit tests/repository

coverage: $(VENV)/dev.stamp ## Hold the last run with COVERAGE=1 against the floors: core 100 %, all 90 %
	@$(BIN)/coverage combine --quiet --keep
	@$(BIN)/coverage report --include='*/mostread/core/*' --fail-under=100
	@$(BIN)/coverage report --fail-under=90

bench: $(VENV)/dev.stamp ## Measure against the peers, in one run (WRITE=1: into docs/explanation/performance.md)
	@$(BIN)/python -m benchmarks $(if $(WRITE),--write) $(BENCH)

chaos: $(VENV)/dev.stamp ## Play faults by chance under traffic (SECONDS=600 SEED=n; PEER=1: on the usual Faust program)
	@$(BIN)/python -m tests.faults $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED)) \
		$(if $(PEER),--peer)

tracker: $(VENV)/dev.stamp ## Make services/mostread/collector/tracker.min.js of tracker.js
	@$(BIN)/python tools/minify_tracker.py

docs: $(VENV)/dev.stamp ## Generate docs/reference from the code and build the site into build/site
	@$(BIN)/python -m tools.generate_docs && $(BIN)/mkdocs build

lint: $(VENV)/dev.stamp ## ruff, codespell, import contracts
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/codespell && $(BIN)/lint-imports

fix: $(VENV)/dev.stamp ## Format the code and fix what ruff and codespell can
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format . && $(BIN)/codespell --write-changes

hooks: $(VENV)/dev.stamp ## Check every commit before it is made (pre-commit)
	@$(BIN)/pre-commit install --hook-type pre-commit --hook-type commit-msg

types: $(VENV)/dev.stamp ## mypy --strict
	@$(BIN)/mypy

sbom: $(VENV)/dev.stamp ## Write build/mostread.cdx.json: what the image holds, as CycloneDX
	@$(BIN)/python tools/sbom.py build/mostread.cdx.json

vulnerabilities: $(VENV)/dev.stamp ## Ask whether a dependency has a known fault, where that can be asked
	@$(BIN)/python tools/audit_dependencies.py

# The others take dev's versions, so that no package has two.
PIN := $(BIN)/pip-compile --quiet --allow-unsafe --generate-hashes --strip-extras --no-header \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host
COMPILE := $(PIN) pyproject.toml
lock: $(VENV)/dev.stamp ## Pin all dependencies, with hashes (UPGRADE=1: the newest versions)
	@$(COMPILE) -o requirements/dev.txt --all-build-deps --extra local --extra dev $(if $(UPGRADE),--upgrade)
	@$(COMPILE) -o requirements/base.txt -c requirements/dev.txt
	@$(COMPILE) -o requirements/build.txt -c requirements/dev.txt --all-build-deps --only-build-deps
	@$(COMPILE) -o requirements/local.txt -c requirements/dev.txt --all-build-deps --extra local
	@echo uv | $(PIN) - -o requirements/uv.txt -c requirements/dev.txt
	@printf 'click\njgo\npydantic-settings\n' | $(PIN) - -o requirements/kafka.txt -c requirements/dev.txt
	@$(BIN)/python tools/lock_kafka_jars.py

clean: ## Remove what was installed and all local data
	rm -rf $(VENV) .mostread
