"""Measurements: each module is one, run by `scripts/bench NAME`."""
