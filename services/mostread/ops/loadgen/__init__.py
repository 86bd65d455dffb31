"""Simulated traffic for `mostread loadgen` and the demo."""
