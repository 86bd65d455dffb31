"""`mostread demo`: ten articles of a city paper with known numbers, and a check of the list."""

from mostread.local.demo.command import demo

__all__ = ["demo"]
