"""`mostread dead-letters`: what could not be counted, looked at, mended and sent again."""

from mostread.dead_letters.command import dead_letters

__all__ = ["dead_letters"]
