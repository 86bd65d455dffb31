"""`mostread replay`: the readers of before, from the access logs of a web server."""

from mostread.replay.command import replay

__all__ = ["replay"]
