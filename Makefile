# make run    sets up .venv and runs the twenty analyzers on the reference clip
# make test   the same set-up, then the tests
# make lint   ruff: style and format
# make help   this list

PYTHON ?= python3
ARGS ?=
PY := .venv/bin/python
READY := .venv/.ready

.PHONY: run test lint help

run: $(READY)
	$(PY) run.py $(ARGS)

test: $(READY)
	$(PY) -m pytest $(ARGS)

lint: $(READY)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

help:
	@sed -n 's/^# //p' Makefile

# The second step installs packages of which only files or a part is used, without what they ask for.
$(READY): pyproject.toml constraints.txt requirements-nodeps.txt
	$(PYTHON) -m venv .venv
	@echo "installing into .venv (about 2.5 GB; two to four minutes on a fast network)"
	$(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[test]"
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --requirement requirements-nodeps.txt
	@touch $@
