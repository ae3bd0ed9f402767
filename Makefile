# Every target makes or completes .venv by itself. On a fresh machine with Python 3.11: `make demo`, `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
DEMO ?= demo
BASE := $(VENV)/.stamp-base
TEST := $(VENV)/.stamp-test
CHECK := $(VENV)/.stamp-check
BENCH := $(VENV)/.stamp-bench
BROWSER := $(VENV)/.stamp-browser
FUZZ := $(VENV)/.stamp-fuzz
EXTRAS := $(VENV)/.stamp-extras
# Compiled modules are kept: the tests start hundreds of processes, and each would compile all of them again.
export PYTHONDONTWRITEBYTECODE :=
# Matrices are small: more threads on one of them than processes beside each other only wait for each other.
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: help demo dev test soak check bench bench-scale browser screenshots clean

help:
	@echo "make demo   install, build a demo shop, print its scorecard"
	@echo "make test   the tests"
	@echo "make check  lint, types, layers"
	@echo "make soak   the long tests"
	@echo "make browser  the tests in Chromium"
	@echo "make screenshots  every page of the demo as pictures, in build/screenshots"
	@echo "make bench  speed against a peer, in the same run"
	@echo "make bench-scale  every question over 1, 10, 50 million events, on every engine"
	@echo "make dev    everything for development, then end"

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "assay needs Python 3.11 or newer; make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV) || (command -v apt-get >/dev/null && apt-get -qq update && apt-get -qq install -y python3-venv && $(PYTHON) -m venv --clear $(VENV))
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip

$(BASE): pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable .
	@touch $@

$(TEST): $(BASE)
	$(PIP) --group test
	(ldconfig -p | grep -q libpangoft2 && ldconfig -p | grep -q libharfbuzz-subset) || (apt-get -qq update && apt-get -qq install -y libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core) || echo "Pango is not there: the tests of the PDF are skipped"
	$(PIP) --editable '.[spark]' || echo "pyspark is not there: the tests on Spark are skipped"
	command -v java >/dev/null || (apt-get -qq update && apt-get -qq install -y openjdk-17-jre-headless) || echo "Java is not there: the tests on Spark are skipped"
	@touch $@

$(CHECK): $(TEST)
	$(PIP) --group check
	@touch $@

$(BENCH): $(TEST)
	$(PIP) --group bench
	@touch $@

$(BROWSER): $(TEST)
	$(PIP) --group browser
	command -v chromium >/dev/null || (apt-get -qq update && apt-get -qq install -y chromium)
	test -d frontend/node_modules/axe-core || (cd frontend && npm ci --ignore-scripts)
	@touch $@

$(FUZZ): $(TEST)
	$(PIP) --group fuzz || echo "without atheris and schemathesis: their tests are skipped"
	@touch $@

$(EXTRAS): $(CHECK) $(BENCH)
	$(PIP) --editable '.[pdf,charts,clickhouse,spark,mcp,oidc,notify,arrow,forecast]'
	@touch $@

demo: $(BASE)
	@rm -rf $(DEMO)
	$(BIN)/assay demo $(DEMO)

dev: $(EXTRAS)
	@echo "ready: $(BIN)/assay, make test, make check"

test: $(TEST)
	$(BIN)/python -m pytest -n 2 --dist loadfile

browser: $(BROWSER)
	$(BIN)/python -m pytest tests/browser

screenshots: $(BROWSER)
	test -d build/shop || $(BIN)/assay demo build/shop
	$(BIN)/python bench/screenshots.py build/shop build/screenshots

soak: $(FUZZ)
	$(BIN)/python -m pytest -n 2 --dist loadfile --soak

check: $(CHECK)
	$(BIN)/ruff check src tests bench
	$(BIN)/ruff format --check src tests bench
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_architecture.py

bench: $(BENCH)
	$(BIN)/python -m bench

# Broken off, it goes on where it stopped: the worlds and answers stay in build/scale. OPTIONS="--millions 1,10"
bench-scale: $(EXTRAS)
	$(BIN)/python -m bench.scaling --keep build/scale $(OPTIONS)

clean:
	rm -rf $(VENV) $(DEMO) dist build .pytest_cache .mypy_cache .ruff_cache
