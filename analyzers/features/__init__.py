"""What analyzers are made of: networks, and what several of them derive from a clip."""
