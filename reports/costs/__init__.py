"""Reports of costs: what analyzers take of a machine, as a table and a picture."""
