.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(shell command -v python3.11 || command -v python3)
TOPOLOGY ?=
BIN := .venv/bin
TABLES := table1 table2 table3
OFFLINE_BUILD := --no-build-isolation --use-pep517
UNIT := $(BIN)/pytest --numprocesses auto --dist worksteal tests/unit
# A busy host may spoil a live test: one that failed is tried once more, and counted as rerun.
LIVE := $(BIN)/pytest --reruns 1 -r fER --durations 20 tests/live
PIP := $(BIN)/pip --disable-pip-version-check --quiet
LOCKS := requirements-build.lock requirements.lock
OPINIONS := requirements-opinions.lock
COMPILE := .tools/uv/bin/uv pip compile --quiet --upgrade --generate-hashes --python-version 3.11 \
  --no-header --no-annotate

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: .venv/.installed ## Get all that is missing: virtual environment, Compose v2, images
	@$(BIN)/lab setup

.PHONY: lab-up
lab-up: setup ## Bring the default lab up (TOPOLOGY=file for another)
	@$(BIN)/lab up $(TOPOLOGY)

.PHONY: lab-down
lab-down: .venv/.installed ## Take the default lab down
	@$(BIN)/lab down

.PHONY: tables
tables: setup ## Run the quick table experiments and print them beside the paper's
	@$(BIN)/lab up
	@for table in $(TABLES); do \
	  $(BIN)/lab experiment run topologies/experiments/$$table.yaml --quick && \
	  $(BIN)/lab report last --html || exit 1; done

.PHONY: test
test: setup lint ## Set up, check the style, run the unit tests and the live tests
	@$(UNIT)
	@$(LIVE) -m 'not slow'

.PHONY: unit
unit: .venv/.installed ## Run the tests that need no Docker
	@$(BIN)/lab setup --here
	@$(UNIT)

.PHONY: live
live: setup ## Run the tests that need Docker
	@$(LIVE) -m 'not slow'

.PHONY: live-all
live-all: setup ## Run the tests that need Docker, also those that take minutes and seldom break
	@$(LIVE)

.PHONY: lint
lint: .venv/.installed ## Check style and types
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

.PHONY: lock
lock: ## Pin this host's packages anew, within the ranges of pyproject.toml
	@test -x .tools/uv/bin/uv || { $(PYTHON) -m venv .tools/uv && .tools/uv/bin/pip -q install uv; }
	@$(COMPILE) --universal --extra nodes --extra cluster --extra web --extra test \
	  --no-emit-package pesq pyproject.toml --output-file requirements.lock
	@$(COMPILE) --universal --group build --constraint requirements.lock \
	  --output-file requirements-build.lock
	@printf '%s\n' onnxruntime speechmos==0.0.1.1 'visqol-python[lattice]>=3.8,<4' | $(COMPILE) \
	  --universal --constraint requirements.lock --no-emit-package libsvm-official \
	  --no-emit-package backports-strenum \
	  --output-file $(OPINIONS) -
	@printf '%s\n' cython numpy setuptools | $(COMPILE) --no-deps $(LOCKS:%=--constraint %) \
	  --output-file lab/images/pesq/wheels.txt -

.PHONY: clean
clean: ## Take all labs down, remove the images, the virtual environment and all downloads
	@if [ -x $(BIN)/lab ]; then $(BIN)/lab down --all; fi
	@docker image ls --quiet --filter label=org.voice-tor-lab.role | sort -u | xargs -r docker rmi
	@rm -rf .venv .tools .cache

# --no-deps: ViSQOL asks for libsvm, published as C++ source only, for a mode that is not used here,
# and what runs its model for a package that this Python needs none of and cannot have.
.venv/.installed: $(LOCKS) $(OPINIONS) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "Python 3.11 or later is needed: make PYTHON=/path/to/python3.11"; exit 1; } >&2
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "Python's venv module is missing: sudo apt-get install python3-venv"; exit 1; } >&2
	@echo "virtual environment: installing the locked packages into .venv" >&2
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@for lock in $(LOCKS); do \
	  $(PIP) install $(OFFLINE_BUILD) --require-hashes --requirement $$lock || exit 1; done
	@$(PIP) install $(OFFLINE_BUILD) --no-deps --editable .
	@$(PIP) install --only-binary :all: --no-deps --require-hashes --requirement $(OPINIONS) \
	  || echo "no further opinions (PLCMOS, ViSQOL) here: their packages cannot be installed" >&2
	@touch $@
