"""How the networks in models/ were made from their source packages: `python -m models.convert --help`."""
