"""How much faster, and at what cost: `python -m tests.perf.ratios`."""
