"""Simulated readers: what they do (traffic) and how it gets to the collector (sending)."""
