"""Simulated readers: what they do (traffic) and how it gets to the collector (sending)."""

from mostread.loadgen.command import loadgen
from mostread.loadgen.sending import NotAcknowledged, Outcome, Sender
from mostread.loadgen.traffic import Traffic, paced

__all__ = ["NotAcknowledged", "Outcome", "Sender", "Traffic", "loadgen", "paced"]
