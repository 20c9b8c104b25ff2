# What a developer runs. Everything is installed into .venv, on first use.
# Needs Python 3.11 or newer, make, and a package index.

VENV := .venv
BIN := $(VENV)/bin
DEBIAN := .data/debian/complete
CHECKED := flight_server planner execution connectors demo benchmarks tests examples

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check lint format bench bench-links oracle placements regen proto docker-lint clean

help:  ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.demo  ## One query over PostgreSQL, Parquet and CSV, with what was sent where
	@$(BIN)/crosswind demo

test: $(VENV)/.dev $(DEBIAN)  ## Pass the tests, against real databases and real files; none may be skipped
	$(BIN)/python -m pytest -p tests.no_skips $(SHARED_OUT)

# A file or a class of tests stays in one process, which has servers and databases of its own.
SHARED_OUT = -n $(JOBS) --dist loadscope --no-loadscope-reorder --max-worker-restart 0

check: lint test  ## All that must hold before a change is merged

lint: $(VENV)/.dev docker-lint  ## Style, types, imports
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev  ## Rewrite the sources as `lint` wants them
	$(BIN)/ruff check --fix $(CHECKED)
	$(BIN)/ruff format $(CHECKED)

bench: $(VENV)/.bench  ## Measure against other servers; prints the table that is in the README
	$(BIN)/python -m benchmarks.run

# ARGS="--scale 0.1 --cells 20x100,50x20 --queries 3,5 --contenders crosswind,duckdb --again"
bench-links: $(VENV)/.bench  ## TPC-H over links of many lengths and widths; an interrupted run goes on
	$(BIN)/python -m benchmarks.links $(ARGS)

SOURCE ?= all
QUERIES ?= 10000
SEED ?= 1
JOBS ?= 2
oracle: $(VENV)/.dev  ## Random statements: each source answers as the engine alone, or this fails
	$(BIN)/python -m tests.oracle --source $(SOURCE) --queries $(QUERIES) --seed $(SEED) --jobs $(JOBS)

PLACEMENTS ?= 200
placements: $(VENV)/.dev  ## TPC-H under random placements of its tables over every source
	PLACEMENTS=$(PLACEMENTS) SEED=$(SEED) $(BIN)/python -m pytest tests/equivalence/test_placements.py

regen: $(VENV)/.dev  ## Rewrite the golden plans of TPC-H, and the pages of docs that are generated
	$(BIN)/python -m pytest tests/planner/test_golden_plans.py tests/planner/test_pushed.py \
	  tests/test_types_page.py tests/test_functions_page.py tests/test_support_page.py --regen

proto: $(VENV)/.dev  ## Compile the Flight SQL messages
	$(BIN)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. flight_server/proto/flight_sql.proto

docker-lint: $(VENV)/.dev  ## Lint the Dockerfile
	$(BIN)/hadolint Dockerfile

clean:  ## Remove what the targets above made, the demonstration's data included
	rm -rf $(VENV) .demo .data build dist *.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find $(CHECKED) -name __pycache__ -type d -prune -exec rm -rf {} +

# Each name is tried, because a launcher may exist whose Python does not.
$(BIN)/python:
	@for python in python3.13 python3.12 python3.11 python3; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    echo "Creating $(VENV) with $$($$python --version)"; \
	    rm -rf $(VENV); \
	    exec $$python -m venv $(VENV); \
	  fi; \
	done; \
	echo "error: no Python 3.11 or newer: python3.13, python3.12, python3.11 and python3 were tried" >&2; \
	exit 1

# uv installs in half the time. It does not read pip's configuration, so pip does where uv cannot.
install = @echo "Installing $(1) into $(VENV)"; \
	{ test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv; } \
	&& $(BIN)/uv pip install --quiet --python $(BIN)/python --editable '$(1)' \
	|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '$(1)'

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(if $(shell test $(VENV)/.dev -nt pyproject.toml && echo yes),,$(call install,.[demo]))
	@touch $@

# Where there is no apt the tests that need it are skipped, and say so; .ci/run does not let them.
$(DEBIAN): tests/debian_packages.py | $(VENV)/.dev
	@echo "Fetching Debian's MariaDB and PgBouncer into .data"
	@$(BIN)/python -m tests.debian_packages \
	  || { test -z "$$CROSSWIND_TESTS_NEED" && echo "neither: their tests are skipped" >&2; }

$(VENV)/.dev: pyproject.toml examples/crosswind-orc/pyproject.toml | $(BIN)/python
	$(call install,.[dev])
	$(call install,./examples/crosswind-orc)
	@touch $@

$(VENV)/.bench: pyproject.toml | $(BIN)/python
	$(call install,.[bench])
	@touch $@ $(VENV)/.dev
