# make run        sets up .venv and runs the twenty analyzers on the reference clip
# make test       the same set-up, then the tests
# make bench      the benchmarks of the parts, in units of a fixed work (docs/ci.md); QUICK=1 for a look
# make gpu-check  all that a machine with a GPU has to tell, in under eight minutes (docs/gpu.md)
# make lint       ruff: style and format
# make help       this list

PYTHON ?= python3
ARGS ?=
PY := .venv/bin/python
READY := .venv/.ready

BENCH := outputs/bench.json

.PHONY: run test bench gpu-check lint help

run: $(READY)
	$(PY) run.py $(ARGS)

test: $(READY)
	$(PY) -m pytest $(ARGS)

bench: $(READY)
	@mkdir -p $(dir $(BENCH))
	$(PY) -m pytest tests/perf/bench_*.py --benchmark-json=$(BENCH) --benchmark-columns=median,iqr,min,rounds \
		--benchmark-group-by=func $(if $(QUICK),--quick) $(ARGS)

gpu-check: $(READY)
	$(PY) gpu_check.py $(ARGS)

lint: $(READY)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

help:
	@sed -n 's/^# //p' Makefile

# The second step installs packages of which only files or a part is used, without what they ask for.
$(READY): pyproject.toml constraints.txt requirements-nodeps.txt
	$(PYTHON) -m venv .venv
	@echo "installing into .venv (about 2.8 GB; two minutes on a fast network)"
	$(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[test]"
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --requirement requirements-nodeps.txt
	@touch $@
