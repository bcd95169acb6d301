"""Figures of runs for other programs: tables, a text for Prometheus, runs of MLflow."""
