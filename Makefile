# make run        sets up .venv and runs the twenty analyzers on the reference clip
# make test       the same set-up, then the tests, in two processes (WORKERS=…; 0 for none beside pytest's own)
# make test-fast  the tests that answer within 90 seconds together
# make lint       style and format (ruff), types (mypy), which package may import which (import-linter)
# make bench      the benchmarks of the parts, in units of a fixed work (docs/ci.md); QUICK=1 for a look
# make quality    scores the three rendered clips side by side, into docs/quality.md and README.md (docs/quality.md)
# make gpu-check  all that a machine with a GPU has to tell, in under eight minutes (docs/gpu.md)
# make long-clip  an hour of video, run in the memory of a minute, killed twice and gone on with (docs/clips.md)
# make drawing    draws the imports in docs/architecture.md anew
# make help       this list
#
# ARGS="…" are passed on: make run ARGS="grouping=two_core executor=gpu_pinned". PYTHON=… makes the set-up use
# another Python.

PYTHON ?= python3
ARGS ?=
PY := .venv/bin/python
READY := .venv/.ready

BENCH := outputs/bench.json
# Processes of the tests. The tests of a file stay together, since they share what is costly to make.
WORKERS ?= 2
PYTEST := $(PY) -m pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder

.PHONY: run test test-fast lint bench quality gpu-check long-clip drawing help

run: $(READY)
	$(PY) run.py $(ARGS)

# Hundreds of processes import the package: where Python is told to keep nothing compiled, each would compile it.
test test-fast: export PYTHONDONTWRITEBYTECODE =

test: $(READY)
	$(PYTEST) $(ARGS)

test-fast: $(READY)
	$(PYTEST) -m "not slow" $(ARGS)

lint: $(READY)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports

bench: $(READY)
	@mkdir -p $(dir $(BENCH))
	$(PY) -m pytest tests/perf/bench_*.py --benchmark-json=$(BENCH) --benchmark-columns=median,iqr,min,rounds \
		--benchmark-group-by=func $(if $(QUICK),--quick) $(ARGS)

quality: $(READY)
	$(PY) -m studies.quality_table $(ARGS)

gpu-check: $(READY)
	$(PY) gpu_check.py $(ARGS)

long-clip: $(READY)
	$(PY) -m studies.long_clip $(or $(FOLDER),outputs/long-clip) $(ARGS)

drawing: $(READY)
	$(PY) -m tools.draw_imports

help:
	@sed -n 's/^# make/make/p' Makefile

$(READY): pyproject.toml constraints.txt requirements-nodeps.txt
	@$(PYTHON) -c "" 2>/dev/null || { echo "PYTHON=$(PYTHON) does not start; clipbench requires Python" \
		"$$(sed -n 's/^requires-python = "\(.*\)"/\1/p' pyproject.toml): make run PYTHON=python3.11" >&2; exit 2; }
	@$(PYTHON) tools/set_up.py
