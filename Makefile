# make demo    the tutorial's numbers, and a network trained on handwritten digits
# make test    the test suite
# make bench   compares cyrelu with its peers and the limits of the machine; QUICK=1: a selection
# Each target installs what it needs in .venv (bench: .venv-bench); later runs start in seconds.

.DELETE_ON_ERROR:
# Builds that differ in flags alone share the C files.
.NOTPARALLEL:
# The targets run-* use the environment that VENV names.
.PHONY: demo test test-debug test-serial test-fast-math test-parallel \
	test-downstream run-test-downstream test-examples test-forks run-test-forks \
	test-frozen run-test-frozen \
	prove soak large fuzz run-fuzz sanitize lint generate types format bench run-bench \
	bench-layers run-bench-layers \
	vectorization vectorization-clang docs dist cross-compile clean

VENV := .venv
BIN := $(VENV)/bin
SOURCES := pyproject.toml setup.py tools/compiler_flags.py $(wildcard src/cyrelu/*.p* src/cyrelu/*/*.p*)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# What pip does itself, but with one process for each processor, and without the packages' tests.
COMPILE_PACKAGES := $(BIN)/python -W ignore -m compileall -qq -j 0 -x /tests/ $(VENV)/lib
# One process for each processor: 3.5 minutes instead of 6 on two of them.
PYTEST := $(BIN)/python -m pytest --numprocesses=auto

demo: $(VENV)/installed $(VENV)/group-demo
	$(BIN)/python -m cyrelu demo
	@echo
	$(BIN)/python examples/digits.py

test: $(VENV)/installed $(VENV)/group-test
	$(PYTEST)

# What does not depend on how cyrelu was built: once is enough.
ONCE := $(addprefix --deselect=tests/test_,architecture.py benchmarks.py compiler_flags.py docs.py \
	examples.py sbom.py specialisations.py types.py)

# The same tests against a build with bounds checks, initialisation checks and assertions.
test-debug: build/debug/installed $(VENV)/group-test
	PYTHONPATH=$(CURDIR)/build/debug $(PYTEST) $(ONCE)

# The same tests against a build without OpenMP.
test-serial: build/serial/installed $(VENV)/group-test
	PYTHONPATH=$(CURDIR)/build/serial $(PYTEST) $(ONCE)

# The tests of values against a build whose CFLAGS and LDFLAGS let the compiler change them: ours undo
# these. FAST_MATH replaces the flags.
test-fast-math: build/fast-math/installed $(VENV)/group-test
	PYTHONPATH=$(CURDIR)/build/fast-math $(BIN)/python -m pytest tests/test_edge_values.py \
		tests/test_every_float32.py tests/test_import.py tests/test_instruction_sets.py \
		tests/test_properties.py tests/test_streaming.py tests/test_strided.py

# The same suite, with each test run by several threads at the same time.
test-parallel: $(VENV)/installed $(VENV)/group-test $(VENV)/group-parallel
	$(BIN)/python -m pytest --parallel-threads=4

# Modules of other projects, built against the wheel in a separate environment.
test-downstream:
	@$(MAKE) --no-print-directory VENV=.venv-downstream run-test-downstream

run-test-downstream: $(VENV)/installed $(VENV)/group-downstream
	$(PYTEST) --dist=loadfile tests/downstream

# Programs that PyInstaller and cx_Freeze have packed.
test-frozen:
	@$(MAKE) --no-print-directory VENV=.venv-frozen run-test-frozen

run-test-frozen: $(VENV)/installed $(VENV)/group-frozen
	$(BIN)/python -m pytest tests/frozen

# Tests together with PyTorch, scikit-learn and Numba, each of which uses its own threads; and the
# examples with PyTorch, JAX and thinc.
test-forks:
	@$(MAKE) --no-print-directory VENV=.venv-bench run-test-forks

run-test-forks: $(VENV)/installed $(VENV)/peers $(VENV)/group-forks
	$(BIN)/python -m pytest tests/test_fork.py tests/test_openmp_coexistence.py tests/test_examples.py

# Each example in a new environment with cyrelu's wheel and what its first lines ask for.
test-examples: $(VENV)/installed $(VENV)/group-test $(VENV)/group-examples
	$(PIP) wheel --no-build-isolation --no-deps --wheel-dir build/wheel .
	$(PYTEST) tests/test_examples.py --each-in-its-own-environment=build/wheel

# Programs that take minutes; the last line of output has the figures.
prove soak large: $(VENV)/installed $(VENV)/group-test
prove: ; $(BIN)/python tests/long/every_float32.py
soak: ; $(BIN)/python tests/long/many_threads.py
large: ; $(BIN)/python tests/long/beyond_2_31.py

# Calls decoded from bytes, guided by coverage. atheris does not have wheels for every Python.
fuzz:
	@$(MAKE) --no-print-directory VENV=.venv-fuzz run-fuzz

run-fuzz: $(VENV)/installed $(VENV)/group-fuzz
	$(BIN)/python tests/long/fuzz.py --seconds $(or $(SECONDS),60)

lint: $(VENV)/group-lint
	$(BIN)/python tools/codegen --check
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	PATH=$(BIN):$$PATH cython-lint src benchmarks examples tests
	$(BIN)/zizmor --offline --pedantic --quiet .github
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml

# A second type checker; mypy and stubtest are part of the tests.
types: $(VENV)/installed $(VENV)/group-types
	$(BIN)/pyright --pythonpath $(BIN)/python

# The files that are generated from the tables of tools/codegen; they are checked in.
generate: $(VENV)/group-lint
	$(BIN)/python tools/codegen

format: $(VENV)/group-lint
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# In a separate environment: the peers are large, and some may require an older NumPy.
bench:
	@$(MAKE) --no-print-directory VENV=.venv-bench run-bench

bench-layers:
	@$(MAKE) --no-print-directory VENV=.venv-bench run-bench-layers

run-bench-layers: $(VENV)/installed $(VENV)/peers
	$(BIN)/python benchmarks/layers.py

run-bench: $(VENV)/installed $(VENV)/peers
	$(BIN)/python benchmarks $(if $(QUICK),--quick) $(BENCH)

# The documentation in build/site; warnings are errors.
docs: $(VENV)/installed $(VENV)/group-docs
	$(BIN)/python -m sphinx -W --keep-going -q docs build/site
	@echo "cyrelu: build/site/index.html"

# The C code of every module, compiled for other systems; tools/cross_compile.py describes the
# limits and the compilers.
cross-compile: $(VENV)/installed $(VENV)/group-cross
	$(BIN)/python tools/cross_compile.py

# The source distribution in build/dist, checked for completeness and reproducibility.
dist: $(VENV)/group-build $(VENV)/group-dist
	$(BIN)/python tools/build_sdist.py build/dist

vectorization-clang: export CC = clang
vectorization vectorization-clang: $(VENV)/group-build
	$(BIN)/python tools/vectorization.py
	$(BIN)/python tools/vectorization_of_consumers.py

# The suite under sanitizers and valgrind; CHECKS=address for one of them.
sanitize: $(VENV)/installed $(VENV)/group-test
	$(BIN)/python tools/sanitize.py $(CHECKS)

clean:
	rm -rf build dist .venv .venv-bench .venv-downstream .venv-frozen .venv-fuzz src/*.egg-info

# ---- the environment

$(BIN)/python:
	@tools/new-environment $(VENV)

$(VENV)/group-%: pyproject.toml | $(BIN)/python
	@echo "cyrelu: installing what '$*' needs"
	@$(PIP) install --no-compile --group $*
	@$(COMPILE_PACKAGES) || true  # a package may have files for other Pythons
	@touch $@

# Dated when the build begins: what is edited meanwhile is built the next time.
$(VENV)/installed: $(SOURCES) | $(VENV)/group-build
	@echo "cyrelu: compiling"
	@touch $@-begun
	@$(PIP) install --no-build-isolation --no-deps --force-reinstall .
	@mv $@-begun $@

$(VENV)/peers: tools/install-peers | $(VENV)/group-bench
	@echo "cyrelu: installing the peers"
	@tools/install-peers $(BIN)/python
	@touch $@

# tools/sanitize.py makes these, with flags of its own.
build/address/installed build/thread/installed build/thread-serial/installed: tools/sanitize.py
build/debug/installed: export CYRELU_DEBUG = 1
build/serial/installed: export CYRELU_OPENMP = off
FAST_MATH := -Ofast -ffast-math -funsafe-math-optimizations -ffp-contract=fast
build/fast-math/installed: export CFLAGS = $(FAST_MATH)
build/fast-math/installed: export LDFLAGS = $(FAST_MATH)
build/%/installed: $(SOURCES) | $(VENV)/group-build
	@echo "cyrelu: compiling ($*)"
	@mkdir -p $(@D) && touch $@-begun
	@$(PIP) install --no-build-isolation --no-deps --upgrade --target build/$* .
	@mv $@-begun $@
