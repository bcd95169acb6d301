"""How the embedded networks were made from their sources: `python -m tools.convert_networks --help`."""
