# make demo    the tutorial's numbers, and a network trained on handwritten digits
# make test    the test suite
# Each sets up what it needs in .venv; after the first time that takes seconds.

.DELETE_ON_ERROR:
.PHONY: demo test test-debug test-serial lint format bench vectorization clean

VENV := .venv
BIN := $(VENV)/bin
SOURCES := pyproject.toml setup.py $(wildcard src/cyrelu/*.p*)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

demo: $(VENV)/installed $(VENV)/group-demo
	$(BIN)/python examples/digits.py

test: $(VENV)/installed $(VENV)/group-test
	$(BIN)/python -m pytest

# The same suite against a build with bounds checks, initialisation checks and assertions.
test-debug: build/debug/installed $(VENV)/group-test
	PYTHONPATH=build/debug $(BIN)/python -m pytest

# The same suite against a build without OpenMP.
test-serial: build/serial/installed $(VENV)/group-test
	PYTHONPATH=build/serial $(BIN)/python -m pytest

lint: $(VENV)/group-lint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	PATH=$(BIN):$$PATH cython-lint src

format: $(VENV)/group-lint
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/installed $(VENV)/group-demo
	$(BIN)/python benchmarks/ratios.py

vectorization: $(VENV)/group-build
	$(BIN)/python tools/vectorization.py

clean:
	rm -rf build dist $(VENV) src/*.egg-info

# ---- the environment

$(BIN)/python:
	@tools/new-environment $(VENV)

$(VENV)/group-%: pyproject.toml | $(BIN)/python
	@echo "cyrelu: installing what '$*' needs"
	@$(PIP) install --group $*
	@touch $@

$(VENV)/installed: $(SOURCES) | $(VENV)/group-build
	@echo "cyrelu: compiling"
	@$(PIP) install --no-build-isolation --no-deps --force-reinstall .
	@touch $@

build/debug/installed: export CYRELU_DEBUG = 1
build/serial/installed: export CYRELU_OPENMP = off
build/%/installed: $(SOURCES) | $(VENV)/group-build
	@echo "cyrelu: compiling ($*)"
	@$(PIP) install --no-build-isolation --no-deps --upgrade --target build/$* .
	@touch $@
