"""Reports: they read results and never run anything."""
