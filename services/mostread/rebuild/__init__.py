"""`mostread rebuild`: the log counted anew, into tables that then take the place of the old."""

from mostread.rebuild.command import rebuild

__all__ = ["rebuild"]
