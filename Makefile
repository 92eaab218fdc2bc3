# Everything a clone needs: `make lab` to use it, `make test` to check it. Only Python and make are asked for.
#
#   make lab ARGS="--no-browser --port 8899"     arguments for JupyterLab
#   make test ARGS="-k freeze -x"                arguments for pytest
#   make test WORKERS=2                          in two processes, where there are cores and memory for it
#   make PYTHON=python3.12 lab                   another Python for the environment
#   make bench SCRIPTS=benchmarks/training.py ARGS=--quick

PYTHON ?= python3
VENV ?= .venv
# The tools that benchmarks compare with bring their own demands; the environment of `make setup` stays free of them.
BENCH_VENV ?= .venv-bench
# nbgrader adds menus and server extensions to every JupyterLab beside it, so it lies in a small environment on top of the other.
CLASSROOM_VENV ?= .venv-classroom
SCRIPTS ?= $(wildcard benchmarks/*.py)
ARGS ?=
WORKERS ?= 0

bin := $(VENV)/bin
ready := $(VENV)/.ready
static := tlwidgets/static/.sources.sha256
frontend := $(shell find tlwidgets/frontend \( -name node_modules -o -name lib \) -prune -o -type f -print 2>/dev/null)
lessons := $(wildcard notebooks/lessons/*.ipynb)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup lab test lint typecheck notebooks notebooks-check classroom-check binder-check bench clean

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(ready) $(static) ## make the environment and build the front end

lab: setup ## open the Studio in JupyterLab
	@$(bin)/tlwidgets lab $(ARGS)

# The networks of the tests are small: a second thread waits more than it computes, above all on a busy machine.
test: export OMP_NUM_THREADS ?= 1
# Some virtual machines lose what a processor's matrix tiles (AMX) hold when they change from one process to another: a
# bfloat16 run then ends in nan, half of the time with four at once. Without tiles none did.
test: export ONEDNN_MAX_CPU_ISA ?= AVX512_CORE_BF16
# Several processes share whole files: what a file has built or measured once serves all of its tests.
test: lint ## run every check and every test
	$(bin)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

lint: setup ## ruff and mypy
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy

typecheck: setup ## the types of the front end; fetches JupyterLab's the first time
	$(bin)/python hatch_build.py typecheck

notebooks: setup ## write notebooks/lessons and notebooks/solutions from notebooks/src
	$(bin)/python notebooks/generate.py $(ARGS)

notebooks-check: setup ## fail if the written notebooks are not those of their sources
	$(bin)/python notebooks/generate.py --check $(ARGS)

classroom-check: $(CLASSROOM_VENV)/.ready ## run nbgrader's own tools over the lessons
	TLW_REQUIRE_NBGRADER=1 OMP_NUM_THREADS=1 PYTHONPATH=$(CURDIR) $(CLASSROOM_VENV)/bin/python -m pytest tests/notebooks/test_nbgrader.py $(ARGS)

binder-check: ## follow binder/ in a clean environment, run two notebooks and print what they take
	$(PYTHON) binder/check.py

bench: $(BENCH_VENV)/.ready ## run the benchmarks, one after the other, beside the tools they compare with
	set -e; for script in $(SCRIPTS); do echo "== $$script"; $(BENCH_VENV)/bin/python $$script $(ARGS); done

clean: ## remove the environment and everything built
	rm -rf $(VENV) $(BENCH_VENV) $(CLASSROOM_VENV) dist build tlwidgets/static tlwidgets/labextension tlwidgets/frontend/node_modules tlwidgets/frontend/lab/node_modules tlwidgets/frontend/lab/lib .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# uv installs in a fraction of pip's time; where it cannot be had or cannot reach the index, pip does the same.
# $(call environment,folder,extra)
define environment
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "tlwidgets needs Python 3.10 or newer, this is " + sys.version.split()[0] + "; name another: make PYTHON=python3.12 ...")'
	@echo "Setting up $(1): a few minutes the first time, for PyTorch is large."
	@$(PYTHON) -m venv $(1)
	@$(1)/bin/python -m pip install --quiet uv || true
	@VIRTUAL_ENV=$(1) $(1)/bin/uv pip install --editable '.[$(2)]' || $(1)/bin/python -m pip install --editable '.[$(2)]'
	@touch $(1)/.ready
endef

$(ready): pyproject.toml hatch_build.py
	$(call environment,$(VENV),dev)

$(BENCH_VENV)/.ready: pyproject.toml hatch_build.py
	$(call environment,$(BENCH_VENV),bench)

# What the other environment holds is there already for pip, so only nbgrader and its own demands are installed.
$(CLASSROOM_VENV)/.ready: $(ready)
	$(PYTHON) -m venv $(CLASSROOM_VENV)
	$(bin)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > "$$($(CLASSROOM_VENV)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/beneath.pth"
	$(CLASSROOM_VENV)/bin/python -m pip install --quiet 'nbgrader>=0.9.5'
	@touch $@

# The installation has built it already; this builds it again when a source or a lesson has changed since.
$(static): $(frontend) $(lessons) | $(ready)
	$(bin)/python hatch_build.py
	@touch $@
