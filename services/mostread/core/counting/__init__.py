"""Exact counting: pure functions of a partition's log."""

RULES_VERSION = 2
"""Version of the counting rules. Increment it with every change that makes the same log give
other numbers: deduplication, allowed lateness, windows, control records. Workers write it into
`checkpoints.rules`, and do not count partitions that newer rules have counted; see
docs/how-to/upgrading.md."""
