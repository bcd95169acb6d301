"""The analyzers: one file each, so that adding a file adds an analyzer; registry.py finds them."""

from __future__ import annotations

import os

# ONNX Runtime sends usage data to its makers unless this is set before it is first imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
