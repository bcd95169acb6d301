"""What several analyzers share: networks, and what they derive from a clip."""
