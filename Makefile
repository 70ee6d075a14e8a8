# Each target needs nothing before it but Python >= 3.11 and make.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
  $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SERVE := .venv-serve
SERVE_READY := $(SERVE)/.ready

.PHONY: install demo test test-serve lint format lab bench clean
.DEFAULT_GOAL := help

help:
	@echo "make demo      ask real questions about a real database, offline"
	@echo "make lab       open the quickstart in JupyterLab"
	@echo "make test      run the tests"
	@echo "make test-serve  run the tests of model_serve/ against a real vLLM and Modal's command line (2.5 GB)"
	@echo "make lint      check style and types"
	@echo "make bench     print load time, time to an answer, schema reading against SQLAlchemy"
	@echo "make install   build $(VENV), which the others do by themselves"

install: $(READY)

$(READY): pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv is needed: set PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Setting up $(VENV): a few minutes the first time ..."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,study]'
	@touch $(READY)

demo: $(READY)
	@$(BIN)/python tools/show_notebook.py notebooks/quickstart.ipynb
	@echo
	@echo "That was notebooks/quickstart.ipynb. Open it in JupyterLab:  make lab"

lab: $(READY)
	$(BIN)/jupyter lab notebooks/quickstart.ipynb

# Without Chromium or MariaDB their tests are skipped, and the last lines say so.
test: $(READY)
	$(BIN)/python -m pytest

# vLLM's dependencies would fight with ours, so it has an environment of its own; the tests reach it by HTTP.
# torch's build for CPUs is at PyTorch's own index, named by PIP_EXTRA_INDEX_URL where pip does not find it.
$(SERVE_READY): tests/serve/requirements.txt
	@echo "Setting up $(SERVE): a few minutes and 2 GB the first time ..."
	$(PYTHON) -m venv --clear $(SERVE)
	$(SERVE)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement $<
	@touch $@

test-serve: $(READY) $(SERVE_READY)
	$(BIN)/python -m pytest tests/serve

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)
	$(BIN)/python benchmarks/start_up.py
	$(BIN)/python benchmarks/schema.py

clean:
	rm -rf $(VENV) $(SERVE) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
