"""Every error that mostread raises on purpose, split by what the caller can do about it.

MostreadError
├── Unavailable          wait and try again: the other side is away
│   ├── KafkaUnavailable
│   │   └── OutcomeUnknown   sent, and no acknowledgement came: it may be in Kafka or not
│   ├── ClickHouseUnavailable
│   └── Overloaded       as much is under way as memory may hold
├── Misconfigured        change a setting or the environment, then start again
│   └── SchemaTooNew     the database was migrated, or the log counted, by a newer mostread
├── InvalidEvent         the input is wrong: send something else
│   └── (carries `reason`, one of the closed set the API documents)
├── InvalidFile          the file is wrong: mend it; nothing of it was taken
├── NameTaken            the name stands for something else: choose another, or remove that
├── Overlapping          it was counted already, or some of it: leave that out
├── CountOver            begin anew: the topic or the tables are others than those counted
└── LogInconsistent      the log contradicts what was counted: a person must look
"""


class MostreadError(Exception):
    """The root: an error whose message says what is wrong and what to do."""


class Unavailable(MostreadError):
    """The other side is away; the same call may succeed later."""


class KafkaUnavailable(Unavailable):
    """No broker answered in time."""


class OutcomeUnknown(KafkaUnavailable):
    """It was handed to Kafka and not acknowledged in time: it may have been written or not."""


class ClickHouseUnavailable(Unavailable):
    """ClickHouse did not answer, or answered that it cannot work just now."""


class Overloaded(Unavailable):
    """As much is under way as memory may hold; what is refused was not taken."""


class Misconfigured(MostreadError):
    """A setting or the environment must change before this can work."""


class SchemaTooNew(Misconfigured):
    """The database carries migrations that this version does not know."""


class InvalidEvent(MostreadError):
    """An event or article breaks its contract; `reason` is stable, the message is for people."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class InvalidFile(MostreadError):
    """A file that was to be imported is wrong; the message names its lines."""


class NameTaken(MostreadError):
    """The name stands for something else already."""


class Overlapping(MostreadError):
    """What is to be counted was counted in part already."""


class CountOver(MostreadError):
    """The topic was made again, or the tables were rebuilt, since this count of it began."""


class LogInconsistent(MostreadError):
    """The log contradicts what was counted, for example by ending before it."""
