"""The number of the counting rules: what makes two workers come to the same numbers."""

RULES_VERSION = 1
"""Goes up with each change after which the same log gives other numbers: what is a duplicate,
what is late, which window an event falls into. Workers write it beside how far they counted
(`checkpoints.rules`), and none goes on where newer rules have counted; docs/how-to/upgrading.md."""
