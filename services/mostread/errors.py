"""Errors that mostread raises on purpose, grouped by what the caller can do.

    MostreadError
    ├── Unavailable              retry later: a dependency is down or busy
    │   ├── KafkaUnavailable
    │   │   └── OutcomeUnknown   the record was sent and not acknowledged; it may be in Kafka
    │   ├── ClickHouseUnavailable
    │   │   └── QueryTooLarge    split the query: it exceeded a limit
    │   ├── CollectorUnavailable the ranking cannot hand a decision to the collector
    │   └── Overloaded           a limit on memory or concurrent work is reached
    │       ├── TooManyStreams
    │       └── TooManyFiles
    ├── InvalidRequest           change the HTTP request; carries headers and problem members
    │   ├── BadParameter         carries `parameter` and `allowed`
    │   │   └── ReversedRange
    │   ├── InvalidSentAt
    │   ├── UnreadableBody
    │   ├── InvalidBody
    │   ├── UnsupportedEncoding
    │   ├── PayloadTooLarge
    │   │   └── TooManyEvents
    │   ├── RequestTimeout
    │   ├── NoValidEvent         carries `rejected`
    │   ├── InvalidArticle       carries `reason`
    │   ├── InvalidPlacement     carries `reason`
    │   ├── Unauthorized
    │   ├── Forbidden
    │   │   ├── EditorAccessDisabled
    │   │   └── ForeignPage
    │   ├── UnknownArticle
    │   └── CursorExpired
    ├── InvalidEvent             change the event; carries `reason`, one of a documented set
    ├── InvalidFile              fix the file; nothing was imported
    ├── Misconfigured            change a setting or the environment, then restart
    │   └── SchemaTooNew         a newer mostread migrated the database or counted the events
    ├── NameTaken                choose another name, or remove what has this one
    ├── Overlapping              leave out what is counted already
    ├── UnreadableBatch          skip the batch; carries where it is
    ├── FetchRefused             repair the broker: it answers with an error for one partition
    ├── StaleEpoch               restart: the topic, its records or the tables were replaced
    └── LogInconsistent          investigate: the topic contradicts the stored counters

infra/http/problems.py maps these classes to statuses and problem types.
"""

from collections.abc import Mapping, Sequence

MAX_DETAIL = 500
"""Characters of a message that quotes the client's input."""


class MostreadError(Exception):
    """Base class; the message states the problem and the fix."""


class Unavailable(MostreadError):
    """A dependency does not answer; the same call may succeed later."""


class KafkaUnavailable(Unavailable):
    """No broker answered in time."""


class OutcomeUnknown(KafkaUnavailable):
    """Kafka did not acknowledge a record in time; it may have been written."""


class ClickHouseUnavailable(Unavailable):
    """ClickHouse did not answer, or reported a temporary failure."""


class QueryTooLarge(ClickHouseUnavailable):
    """A query exceeded a limit, such as its time or memory; a smaller one may succeed."""


class CollectorUnavailable(Unavailable):
    """The collector did not answer a decision, or does not accept this service's signature."""


class Overloaded(Unavailable):
    """A limit on memory or concurrent work is reached; nothing was accepted."""


class BodyInterrupted(Overloaded):
    """The service stopped reading a body, for lack of memory or because it stops."""


class TooManyRequests(Overloaded):
    """The service is answering the maximum number of requests."""


class TooManyStreams(Overloaded):
    """The ranking serves the maximum number of streams or streamed lists."""


class TooManyFiles(Overloaded):
    """The ranking reads the maximum number of whole lists."""


class InvalidRequest(MostreadError):
    """An HTTP request that will fail again unless the client changes it.

    `headers` are added to the response, `members` to the problem document.
    """

    def __init__(
        self,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.headers = headers or {}
        self.members = members or {}


class BadRequest(InvalidRequest):
    """The head of a request is ambiguous."""


class BadParameter(InvalidRequest):
    """A parameter is unknown, repeated, or has a value that is not allowed."""

    def __init__(self, parameter: str, message: str, allowed: str) -> None:
        super().__init__(
            f"{message}. Allowed: {allowed}.",
            members={"parameter": parameter, "allowed": allowed},
        )
        self.parameter = parameter
        self.allowed = allowed


class ReversedRange(BadParameter):
    """A range ends before it starts."""

    def __init__(self) -> None:
        super().__init__("to", "to is not after from", "a later time")


class InvalidSentAt(InvalidRequest):
    """The parameter sent_at is not a number of milliseconds since 1970."""


class UnreadableBody(InvalidRequest):
    """The body ended early or cannot be decompressed."""


class InvalidBody(InvalidRequest):
    """The body is not the JSON that the route expects."""


class UnsupportedEncoding(InvalidRequest):
    """The body has a Content-Encoding other than the `supported` ones."""

    def __init__(self, detail: str, supported: str) -> None:
        super().__init__(detail, headers={"Accept-Encoding": supported})


class PayloadTooLarge(InvalidRequest):
    """The body exceeds the size limit."""


class TooManyEvents(PayloadTooLarge):
    """The request holds more events than the limit."""

    def __init__(self, count: int, limit: int) -> None:
        super().__init__(f"{count} events in one request; the maximum is {limit}.")


class TooManyArticles(PayloadTooLarge):
    """The request holds more articles than the limit."""

    def __init__(self, count: int, limit: int) -> None:
        super().__init__(f"{count} articles in one request; the maximum is {limit}.")


class RequestTimeout(InvalidRequest):
    """The client took too long to send the body."""


class NoValidEvent(InvalidRequest):
    """The request holds no valid event; `rejected` explains each, ready for JSON."""

    def __init__(self, detail: str, rejected: Sequence[object]) -> None:
        super().__init__(detail, members={"rejected": rejected})


class NoValidArticle(InvalidRequest):
    """The request holds no valid article; `rejected` explains each, ready for JSON."""

    def __init__(self, rejected: Sequence[object]) -> None:
        detail = "The request contains no article; send a JSON object, a JSON array, or NDJSON."
        if rejected:
            detail = "No article was valid; see `rejected`."
        super().__init__(detail, members={"rejected": rejected})


class NoValidAlias(InvalidRequest):
    """The request holds no valid alias; `rejected` explains each, ready for JSON."""

    def __init__(self, rejected: Sequence[object]) -> None:
        detail = "The request contains no alias; send a JSON object, a JSON array, or NDJSON."
        if rejected:
            detail = "No alias was valid; see `rejected`."
        super().__init__(detail, members={"rejected": rejected})


class InvalidArticle(InvalidRequest):
    """An article violates its schema; `reason` is stable, the message is for people."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail[:MAX_DETAIL], members={"reason": reason})
        self.reason = reason


class InvalidPlacement(InvalidRequest):
    """A placement violates its schema; `reason` is stable, the message is for people."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail[:MAX_DETAIL], members={"reason": reason})
        self.reason = reason


class Unauthorized(InvalidRequest):
    """The request carries no token, or one that is unknown (`invalid_token`)."""

    def __init__(self, detail: str, *, invalid_token: bool = False) -> None:
        challenge = 'Bearer realm="mostread"'
        if invalid_token:
            challenge += ', error="invalid_token"'
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class Forbidden(InvalidRequest):
    """The token's role does not permit the request."""


class EditorAccessDisabled(Forbidden):
    """The ranking lacks the settings that let editors read the log, or decide."""


class ForeignPage(Forbidden):
    """The page of another origin sent the request, or a proxy hides that it is the same."""


class DecisionConflict(InvalidRequest):
    """Somebody else has decided about the article since the editor looked."""


class UnknownArticle(InvalidRequest):
    """Neither metadata nor counts exist for the article."""


class CursorExpired(InvalidRequest):
    """The list that the cursor points into is no longer stored."""


class InvalidEvent(MostreadError):
    """An event violates its contract; `reason` is stable, the message is for people."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class InvalidFile(MostreadError):
    """A file cannot be imported; the message names its lines."""


class Misconfigured(MostreadError):
    """A setting or the environment must change before this can work."""


class SchemaTooNew(Misconfigured):
    """The database has migrations that this version does not know."""


class NameTaken(MostreadError):
    """The name refers to something else already."""


class Overlapping(MostreadError):
    """Part of the import is counted already."""


class UnreadableBatch(MostreadError):
    """A batch of a partition cannot be read, and will not be later.

    `offset` is the first that cannot be read, `next_offset` the one after the batch, None if its
    header does not say. `reason` is for people; `command` gives the batch up.
    """

    def __init__(
        self, topic: str, partition: int, offset: int, next_offset: int | None, reason: str
    ) -> None:
        last = "" if next_offset is not None else " --to LAST"
        self.command = f"`mostread skip {topic} {partition} {offset}{last}`"
        super().__init__(
            f"{topic}/{partition} cannot be read from offset {offset} on: {reason}; see "
            f"docs/how-to/runbook.md, or run {self.command}"
        )
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.next_offset = next_offset
        self.reason = reason


class FetchRefused(MostreadError):
    """A broker answers fetches of one partition with an error."""


class StaleEpoch(MostreadError):
    """The topic was recreated or lost records, or the tables were rebuilt, since the start."""


class LogInconsistent(MostreadError):
    """The topic contradicts the stored counters: it ends before them, or has other records."""
