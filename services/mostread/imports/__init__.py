"""`mostread import`: lifetime totals of an earlier system."""

from mostread.imports.command import import_totals

__all__ = ["import_totals"]
