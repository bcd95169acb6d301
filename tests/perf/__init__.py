"""How much faster, and at what cost: `python -m studies.ratios`."""
