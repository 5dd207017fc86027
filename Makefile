# Everything runs from .venv, which is made once; nothing is installed outside this directory.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

PYTHON ?= python3
BIN := .venv/bin
RUNTIME := .venv/.runtime
INSTALLED := .venv/.installed
ARQ := .venv/arq/.installed
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Compiled modules are kept, also where the shell asks for none: the suite starts hundreds of processes.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help up kubernetes test check deploy-check screenshots rehearsal bench chaos fuzz lock settings manifests acl tables changes licences sbom images clean
.DELETE_ON_ERROR:

help: ## say what can be made
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/make \1|\2/p' Makefile | while IFS='|' read -r name what; do printf '%-17s %s\n' "$$name" "$$what"; done

up: $(RUNTIME) ## run everything on this machine until Ctrl-C; without SEVEN_API_KEY the emulator is the gateway
	@$(BIN)/seven-ingest up

kubernetes: $(RUNTIME) ## lay out .env as deploy/kubernetes/config/, for kubectl apply -k
	@$(BIN)/python deploy/kubernetes/configure.py .env $(ARGS)

test: $(INSTALLED) ## run the whole test suite; some of it: make test ARGS="tests/cli -k trace"
	@$(BIN)/python -m pytest --numprocesses 5 --dist worksteal $(ARGS)

check: $(INSTALLED) ## lint, format, types, and dependencies with known vulnerabilities
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/mypy deploy/setup.py deploy/grafana/draw.py
	@$(BIN)/mypy deploy/kubernetes/configure.py
	@timeout 60 $(BIN)/pip-audit --progress-spinner off --disable-pip --require-hashes --requirement requirements/otel.txt \
		> .venv/audit.log 2>&1 || { grep -q '^Found' .venv/audit.log && { cat .venv/audit.log >&2; exit 1; } \
		|| echo "dependencies were not looked up: the service that knows vulnerabilities does not answer"; }

deploy-check: $(INSTALLED) $(ARQ) ## all about deployment, and what is too long for `make test`; needs promtool, prometheus, chromium, chromedriver, rsyslogd, wrk (Debian: prometheus chromium-driver rsyslog-relp wrk)
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/deploy.txt
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/bench.txt
	@REQUIRE_DEPLOY_TOOLS=1 $(BIN)/python -m pytest tests/deploy tests/chaos tests/bench tests/console/test_browser.py $(ARGS)
	@REQUIRE_DEPLOY_TOOLS=1 $(BIN)/python -m pytest -m "thorough or sized" --ignore tests/deploy --ignore tests/chaos $(ARGS)

screenshots: $(INSTALLED) ## renew docs/console/ after a change of the console's pages; needs chromium, chromedriver
	@SCREENSHOTS=docs/console REQUIRE_DEPLOY_TOOLS=1 $(BIN)/python -m pytest tests/console/test_browser.py -k "every_page and full"

rehearsal: $(INSTALLED) ## the compose file under traffic, with this directory's .env: scaled, killed, upgraded; needs Docker
	@$(BIN)/python -m tests.deploy.rehearsal $(ARGS)

bench: $(INSTALLED) $(ARQ) ## how fast it is, beside rivals and the parts alone; needs wrk (Debian: wrk); make bench ARGS="--write"
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/bench.txt
	@$(BIN)/python -m bench $(ARGS)

chaos: $(INSTALLED) ## kill, stop and cut off real processes under load, then account for every delivery; make chaos ARGS="--seed 7 --minutes 10"
	@$(BIN)/python -m tests.chaos $(ARGS)

fuzz: $(INSTALLED) ## random and broken input for everything that reads it, 5 minutes; make fuzz ARGS="--minutes 60"
	@$(BIN)/python -m tests.fuzz $(ARGS)

settings: $(INSTALLED) ## renew .env.example and docs/settings.md after a change of settings
	@$(BIN)/python -m tests.settings_pages

manifests: $(INSTALLED) ## renew deploy/kubernetes/ after a change of the rules of Prometheus or of redis.conf
	@$(BIN)/python -m tests.manifests

acl: $(INSTALLED) ## renew deploy/redis/users.acl and deploy/postgres/roles.sql after a change of queues, tables, or what a process does
	@$(BIN)/python -c 'from ledger.redis_users import users_file; print(users_file(), end="")' > deploy/redis/users.acl
	@$(BIN)/python -c 'from store.database_roles import roles_file; print(roles_file(), end="")' > deploy/postgres/roles.sql

tables: $(INSTALLED) ## renew docs/tables.md after a change of the schema
	@$(BIN)/python -m tests.tables_page

changes: $(INSTALLED) ## renew docs/changes/ after a change of what subscribers receive
	@$(BIN)/python -m tests.changes_pages

licences: $(INSTALLED) ## renew docs/licences.md after a change of dependencies
	@$(BIN)/python -m tests.licences

sbom: $(INSTALLED) ## write sbom.cdx.json: a release's packages with versions and licences, as CycloneDX
	@$(BIN)/python -m tests.sbom

images: $(INSTALLED) ## pin images of Redis, PostgreSQL, Python, Debian and Prometheus by their present digest; needs Docker with buildx
	@$(BIN)/python -m tests.images

# No file names an index: whichever pip or uv is set up for is asked, and hashes show whether it served the right thing.
lock: $(INSTALLED) ## renew requirements/ after a change of pyproject.toml; newer versions: make lock ARGS=--upgrade
	@$(LOCK) pyproject.toml $(ARGS) --output-file requirements/runtime.txt
	@$(LOCK) pyproject.toml --extra otel $(ARGS) --constraint requirements/runtime.txt --output-file requirements/otel.txt
	@$(LOCK) --group build $(ARGS) --constraint requirements/runtime.txt --output-file requirements/build.txt
	@$(LOCK) pyproject.toml --extra otel --group build --group dev $(ARGS) --constraint requirements/otel.txt --constraint requirements/build.txt --output-file requirements/dev.txt
	@$(LOCK) --group deploy $(ARGS) --constraint requirements/dev.txt --output-file requirements/deploy.txt
	@$(LOCK) pyproject.toml --group bench $(ARGS) --constraint requirements/dev.txt --output-file requirements/bench.txt
	@$(LOCK) --group arq $(ARGS) --constraint <(grep -oE '^[a-z0-9.-]+==[^ ;]+' requirements/bench.txt | grep -v '^redis==') --output-file requirements/arq.txt

clean: ## remove what was installed and cached; what was received (data/) stays
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is needed. Is it called something else? make PYTHON=/path/to/python3.13 …" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "Python's venv is missing. On Debian: apt install python3-venv" >&2; exit 2; }
	@echo "making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear .venv

$(RUNTIME): pyproject.toml requirements/build.txt requirements/runtime.txt $(BIN)/python
	@echo "installing what runs into .venv: once, less than a minute"
	@$(BIN)/python requirements/install.py requirements/build.txt requirements/runtime.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(INSTALLED): $(RUNTIME) requirements/dev.txt
	@echo "installing what tests and checks need: once, a minute or two"
	@$(BIN)/python requirements/install.py requirements/dev.txt
	@touch $@

$(ARQ): requirements/arq.txt | $(INSTALLED)
	@echo "installing a rival into .venv/arq: arq needs an older redis-py than we do"
	@$(BIN)/python -m venv --clear .venv/arq
	@.venv/arq/bin/python -m pip install --quiet --require-hashes --requirement requirements/arq.txt
	@touch $@
