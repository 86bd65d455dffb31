"""`mostread plan`: what a publisher's traffic needs, from what was measured."""

from mostread.plan.command import plan

__all__ = ["plan"]
