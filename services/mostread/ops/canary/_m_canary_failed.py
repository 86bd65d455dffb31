"""How an event of the canary can fail to come through."""

from enum import StrEnum


class Reason(StrEnum):
    """Where it was lost sight of: a closed set."""

    NOT_TAKEN = "not_taken"
    """The collector did not say that Kafka has it."""
    NOT_LISTED = "not_listed"
    """It was taken, and was in no list in time."""


class FailedError(Exception):
    """An event did not come through; the message says what was answered."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
