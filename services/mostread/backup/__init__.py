"""`mostread backup` and `restore`: the tables in a folder, and back."""

from mostread.backup.command import backup, restore

__all__ = ["backup", "restore"]
