"""Measuring what analyzers take of a machine, or reading it from a run: `python plan.py costs`."""
