# `make run` does the whole job on everything in seeds/, `make test` checks the code. `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
UV := .venv/bin/uv
COMPILE := $(UV) pip compile -q --generate-hashes --no-emit-index-url --universal --python-version 3.11
export PYTHONUTF8 := 1
# weasel takes checksums of whole folders: Python's caches must not lie in them.
export PYTHONPYCACHEPREFIX := $(CURDIR)/.cache/pycache
# Holes that SECURITY.md looks at and accepts.
AUDIT := $(addprefix --ignore-vuln ,CVE-2025-50181 CVE-2025-66418 CVE-2025-66471 CVE-2026-21441 CVE-2026-44431 \
  CVE-2026-97687 CVE-2026-97689 CVE-2024-1135)

.PHONY: help run test test-core test-random test-real test-torch test-endurance fuzz audit lint types fast docs reference lock install install-dev install-doccano clean

help:
	@echo "make run        the whole job on everything in seeds/, ends with a table and reports/*/index.html"
	@echo "make test       lint, types and the fast tests, beside doccano-client and the old packages that it needs"
	@echo "make test-core  the fast tests on the core alone with today's packages, in an environment of its own (700 MB)"
	@echo "make test-random  the property tests with 300 examples each, other ones in each run (SEED=N for those of a run)"
	@echo "make test-real  the tests against a real Doccano, a real Chromium, a real Ray cluster and the slow ones"
	@echo "make test-torch the tests of what is trained in PyTorch, which gets an environment of its own (750 MB)"
	@echo "make test-endurance  kills of server, worker and push at many points; takes most of an hour"
	@echo "make fuzz       atheris on every reader, converter and /predict, MINUTES=5 each (see tests/fuzz/README.md)"
	@echo "make audit      look the lock files up in a list of known holes (PyPI's, or ADVISORIES=FOLDER; see SECURITY.md)"
	@echo "make docs       build the documentation into site/, strictly; needs an environment of its own"
	@echo "make reference  write the reference in docs/reference/ from the code again"
	@echo "make lock       resolve the lock files again"
	@echo "make clean      remove what make run made (not the environments, not what annotators did)"

run: install install-doccano
	.venv/bin/python -m weasel run all
	@.venv/bin/biaozhu summary reports
	@echo "The report: reports/seeds/index.html"
	@echo "The article in Doccano: see .venv/bin/biaozhu doccano status (up starts it, down stops it)"

test: lint types fast

docs: install .cache/docs/stamp
	.venv/bin/python docs/make_reference.py --python
	NO_MKDOCS_2_WARNING=1 .cache/docs/bin/mkdocs build --strict

reference: install
	.venv/bin/python docs/make_reference.py

audit: install
	.venv/bin/python locks/audit.py $(if $(ADVISORIES),--advisories $(ADVISORIES)) $(AUDIT)

lint: install-dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports

types: install-dev
	.venv/bin/mypy

# Percent of lines and branches.
COVERAGE_FLOOR ?= 85
COVERAGE := --cov --cov-report=term:skip-covered --cov-fail-under=$(COVERAGE_FLOOR)

fast: install-dev
	.venv/bin/python -m pytest -q -n auto $(COVERAGE)

test-core: .cache/core/stamp
	.cache/core/bin/python -m pytest -q -n auto

# A failure prints the example and a blob for @reproduce_failure; with the same seed the same examples come again.
test-random: install-dev
	@seed=$${SEED:-$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}; echo "the same examples again: make test-random SEED=$$seed"; \
	HYPOTHESIS_PROFILE=random .venv/bin/python -m pytest -q -n auto --hypothesis-seed=$$seed \
	  -m "hypothesis and not (server or browser or ray or slow or endurance)"

test-real: install-dev install-doccano
	.venv/bin/python -m pytest -q -n auto -m "slow and not (server or browser or ray or endurance)"
	.venv/bin/python -m pytest -q -m "(server or browser or ray) and not endurance"

test-torch: .cache/torch/stamp
	OMP_NUM_THREADS=1 .cache/torch/bin/python -m pytest -q -m "not endurance" $$(grep -lE '(importorskip|find_spec)\("torch"\)' tests/*/test_*.py)

test-endurance: install-dev install-doccano
	.venv/bin/python -m pytest -v -s -m endurance

MINUTES ?= 5
TARGETS ?=
fuzz: install-dev .cache/fuzz/stamp
	PYTHONPATH=.cache/fuzz/packages .venv/bin/python tests/fuzz/run_fuzz.py --minutes $(MINUTES) $(TARGETS)

install: .venv/run.stamp

install-dev: .venv/dev.stamp

install-doccano: .venv-doccano/stamp

.venv/uv.stamp: locks/installer.lock
	$(PYTHON) -m venv $(or $(realpath .venv),.venv)
	.venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r locks/installer.lock
	touch $@

# The project itself is installed without build isolation: its build tool is locked like everything else.
.venv/run.stamp: .venv/uv.stamp locks/run.lock pyproject.toml
	$(UV) pip install -q --require-hashes -r locks/run.lock
	$(UV) pip install -q --no-deps --no-build-isolation -e .
	touch $@

.venv/dev.stamp: .venv/run.stamp locks/dev.lock
	$(UV) pip install -q --require-hashes -r locks/dev.lock
	touch $@

# Synchronised, not added to: the core must work without whatever is not in its lock file.
.cache/core/stamp: .venv/uv.stamp locks/core.lock pyproject.toml
	$(UV) venv -q --allow-existing --python $(PYTHON) .cache/core
	$(UV) pip sync -q --python .cache/core/bin/python --require-hashes locks/core.lock
	$(UV) pip install -q --python .cache/core/bin/python --no-deps --no-build-isolation -e .
	touch $@

.venv-doccano/stamp: .venv/uv.stamp locks/doccano.lock
	$(UV) venv -q --allow-existing --python $(PYTHON) .venv-doccano
	$(UV) pip install -q --python .venv-doccano/bin/python --require-hashes -r locks/doccano.lock
	touch $@

.cache/docs/stamp: .venv/uv.stamp locks/docs.lock
	$(UV) venv -q --allow-existing --python $(PYTHON) .cache/docs
	$(UV) pip sync -q --python .cache/docs/bin/python --require-hashes locks/docs.lock
	touch $@

# Beside the environment and not in it: only this one target needs it.
.cache/fuzz/stamp: .venv/uv.stamp locks/fuzz.lock
	$(UV) pip install -q --python .venv/bin/python --target .cache/fuzz/packages --require-hashes -r locks/fuzz.lock
	touch $@

# Over .venv and not in it: whoever trains nothing does without. Which build of PyTorch comes is for pip's settings to say:
# PyPI's own is for CUDA and takes gigabytes, the one for CPUs is found where PIP_FIND_LINKS or PIP_EXTRA_INDEX_URL point.
.cache/torch/stamp: .venv/dev.stamp locks/torch.in
	$(PYTHON) -m venv --without-pip .cache/torch
	.venv/bin/python -c "import sysconfig; print('import site; site.addsitedir(%r)' % sysconfig.get_path('purelib'))" \
	  > "$$(.cache/torch/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/over.pth"
	.cache/torch/bin/python -m pip install -q --disable-pip-version-check -r locks/torch.in
	touch $@

# Two resolutions of pyproject.toml: core.lock without any extra, dev.lock beside doccano-client. run.lock is a part of
# dev.lock, since both go into the same environment. Names, versions and hashes, and no address of an index.
lock: .venv/uv.stamp
	echo "uv" | $(COMPILE) - -o locks/installer.lock
	$(COMPILE) --group test pyproject.toml -o locks/core.lock
	$(COMPILE) --group dev $(addprefix --extra ,doccano table ray remote) pyproject.toml -o locks/dev.lock
	$(COMPILE) --extra doccano -c locks/dev.lock pyproject.toml -o locks/run.lock
	$(COMPILE) locks/doccano.in -o locks/doccano.lock
	$(COMPILE) --group pyproject.toml:docs -o locks/docs.lock
	$(COMPILE) locks/fuzz.in -o locks/fuzz.lock
	$(COMPILE) locks/peers.in -o locks/peers.lock
	$(COMPILE) locks/jionlp.in -o locks/jionlp.lock

clean:
	rm -rf reports site annotations/pre annotations/layers/doccano project.lock
	find models -mindepth 1 -maxdepth 1 -type d -exec rm -rf {} +
