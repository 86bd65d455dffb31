"""`mostread status`: the way of an event at a glance, part by part, in one screen."""

from mostread.status.command import status

__all__ = ["status"]
