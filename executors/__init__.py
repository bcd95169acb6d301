"""Executors: strategies that decide where and when the analyzers of a plan run."""
