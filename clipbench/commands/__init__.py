"""The commands, each a module: they parse what the user typed, call the packages below, and print."""
