# The first of these that is installed and new enough; versions were locked on 3.11.
PYTHON ?= $(firstword $(foreach name,python3.11 python3 python3.12 python3.13,$(shell \
	$(name) -c 'import sys; sys.version_info < (3, 11) or print("$(name)")' 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast bench chaos tracker lint fix types docs rules coverage coverage-core sbom licences \
	vulnerabilities wheels version release lock hooks clean

help: ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# A stamp per set of dependencies, so that a second run installs nothing. It is touched last, so
# an interrupted installation is repeated.
INSTALL = @test -n "$(PYTHON)" || { \
	echo "mostread needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python"; exit 1; }; \
	$(PYTHON) tools/install.py

$(VENV)/local.stamp: requirements/local.txt requirements/uv.txt requirements/kafka.txt pyproject.toml
	@echo "First start: downloading about 400 MB, once."
	$(INSTALL) $(VENV) requirements/local.txt --kafka
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt requirements/uv.txt pyproject.toml
	$(INSTALL) $(VENV) requirements/dev.txt
	@touch $@ $(VENV)/local.stamp

demo: $(VENV)/local.stamp ## Start everything, load ten articles, verify the ranking (NO_TRAFFIC=1: no simulated readers)
	@exec $(BIN)/mostread demo $(if $(NO_TRAFFIC),--no-traffic) $(DEMO)

# Most tests wait for servers, so several run at once; each worker starts its own servers.
WORKERS ?= 3
PYTEST = $(BIN)/python -m $(if $(COVERAGE),coverage run -m )pytest
test: $(VENV)/dev.stamp ## Run every test, on Kafka and the embedded ClickHouse (COVERAGE=1: measure coverage)
	@$(if $(filter tests/unit%,$(TESTS)),,$(BIN)/python -m mostread.devstack.servers.kafka_download || { \
		echo "Most tests need Kafka. For those without servers run: make test-fast"; exit 1; })
	@$(if $(COVERAGE),rm -rf build/coverage)
	@$(PYTEST) --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder $(TESTS)

test-fast: $(VENV)/dev.stamp ## Run the tests that start no server, in under a minute
	@$(PYTEST) --numprocesses=2 --dist=worksteal --hypothesis-profile=fast tests/unit tests/repository

coverage: coverage-core ## Compare the last run with COVERAGE=1 with the floors: core 100 %, all 90 %
	@$(BIN)/coverage report --fail-under=90

coverage-core: $(VENV)/dev.stamp ## The same for core alone, which unit tests cover
	@$(BIN)/coverage combine --quiet --keep
	@$(BIN)/coverage report --include='*/mostread/core/*' --fail-under=100

# Quix Streams and Pathway need other versions of what mostread needs, hence a separate environment.
$(VENV)/peers.stamp: requirements/peers.txt requirements/uv.txt | $(VENV)/dev.stamp
	$(INSTALL) $(VENV)/peers requirements/peers.txt --no-project
	@touch $@

bench: $(VENV)/dev.stamp $(if $(PEERS),$(VENV)/peers.stamp) ## Compare mostread with its peers (WRITE=1: into docs and plan, PEERS=1: with Quix Streams and Pathway)
	@$(BIN)/python -m benchmarks $(if $(WRITE),--write) $(BENCH)

chaos: $(VENV)/dev.stamp $(if $(filter quix,$(PEER)),$(VENV)/peers.stamp) ## Inject random faults under traffic (SECONDS=600 SEED=n BROKERS=3; TRANSPORT=stock: through the slower transport; PEER=faust|quix|clickhouse: into a usual program)
	@$(BIN)/python -m tests.faults $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED)) \
		$(if $(BROKERS),--brokers $(BROKERS)) $(if $(TRANSPORT),--transport $(TRANSPORT)) \
		$(if $(PEER),--peer $(PEER))

tracker: $(VENV)/dev.stamp ## Minify the tracking script
	@$(BIN)/python tools/minify_tracker.py

docs: $(VENV)/dev.stamp ## Generate docs/reference from the code and build the site into build/site
	@$(BIN)/python -m tools.generate_docs && $(BIN)/python -m benchmarks.figures && $(BIN)/mkdocs build

rules: $(VENV)/dev.stamp ## Write the rules of deploy/prometheus for the Prometheus operator
	@$(BIN)/python -m tools.prometheus_rule

lint: $(VENV)/dev.stamp ## Run ruff, codespell and the import contracts
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/codespell && $(BIN)/lint-imports

fix: $(VENV)/dev.stamp ## Format the code and fix what ruff and codespell can
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format . && $(BIN)/codespell --write-changes

hooks: $(VENV)/dev.stamp ## Install the pre-commit hooks
	@$(BIN)/pre-commit install --hook-type pre-commit --hook-type commit-msg

types: $(VENV)/dev.stamp ## Run mypy in strict mode
	@$(BIN)/mypy

sbom: $(VENV)/dev.stamp ## Write the packages of the image to build/mostread.cdx.json (CycloneDX)
	@$(BIN)/python -m tools.sbom build/mostread.cdx.json

licences: $(VENV)/dev.stamp ## List the licences of the locked packages, and reject those not allowed
	@$(BIN)/python -m tools.licences

wheels: $(VENV)/dev.stamp ## Write mostread and its locked dependencies to build/wheels, to install without an index
	@$(BIN)/python -m tools.wheels build/wheels

vulnerabilities: $(VENV)/dev.stamp ## Check the locked packages for known vulnerabilities
	@$(BIN)/python tools/audit_dependencies.py

version: $(VENV)/dev.stamp ## Set the version everywhere (VERSION=1.2.3)
	@$(BIN)/python -m tools.version $(VERSION)

release: $(VENV)/dev.stamp ## Build a release in dist/ and tag it, without an upload (VERSION=1.2.3)
	@$(BIN)/python -m tools.release $(VERSION)

# The other files use the versions of dev.txt, so that no package has two.
PIN := $(BIN)/pip-compile --quiet --allow-unsafe --generate-hashes --strip-extras --no-header \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host
COMPILE := $(PIN) pyproject.toml
lock: $(VENV)/dev.stamp ## Pin all dependencies with hashes (UPGRADE=1: newest versions)
	@$(COMPILE) -o requirements/dev.txt --all-build-deps --extra local --extra dev $(if $(UPGRADE),--upgrade)
	@$(COMPILE) -o requirements/base.txt -c requirements/dev.txt
	@$(COMPILE) -o requirements/build.txt -c requirements/dev.txt --all-build-deps --only-build-deps
	@$(COMPILE) -o requirements/local.txt -c requirements/dev.txt --all-build-deps --extra local
	@echo uv | $(PIN) - -o requirements/uv.txt -c requirements/dev.txt
	@printf 'click\njgo\npydantic-settings\n' | $(PIN) - -o requirements/kafka.txt -c requirements/dev.txt
	@printf 'pathway\nquixstreams\n' | $(PIN) - -o requirements/peers.txt $(if $(UPGRADE),--upgrade)
	@$(BIN)/python tools/lock_kafka_jars.py

clean: ## Remove the virtual environment and all local data
	rm -rf $(VENV) .mostread packages/tracker/node_modules packages/tracker/dist build dist
