"""Makes the embedded networks from their sources: `python -m tools.convert_networks --help`."""
