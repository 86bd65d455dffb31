"""Errors as problem+json (RFC 9457): a table, and the responses that Application makes of it.

Handlers raise an exception of `mostread.errors` and never build an error response. To add an
error: declare the class in errors.py, give it a row in `PROBLEMS`, and document the type in
schemas/*.openapi.yaml. A subclass without a row takes the row of its nearest base class.

CORS headers are not part of this: infra/http/cors.py adds them to every response of a route,
errors included.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from mostread import errors
from mostread.core.retention import RESEND_LIMIT_SECONDS
from mostread.errors import InvalidRequest, MostreadError
from mostread.infra import request_id
from mostread.infra.http.messages import Request, Response
from mostread.infra.logging import get_logger

log = get_logger(__name__)

CONTENT_TYPE = "application/problem+json"
_NOT_STORED = "{error} Nothing was stored; send the request again after Retry-After."
_NO_COUNTERS = "The counters cannot be read, and no response is cached; try again. ({error})"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """The response to one class of exceptions.

    `detail` is a template in which `{error}` stands for the exception's message, `retry_after`
    a number of seconds.
    """

    status: int
    slug: str
    title: str
    detail: str = "{error}"
    retry_after: int | None = None
    closes: bool = False
    """Close the connection: the rest of the request may still arrive."""
    waits: bool = False
    """Respond only after `retry_after`.

    Refusing a request costs half as much as accepting it, so clients that ignore Retry-After
    would starve those that are served. Over HTTP/1.1 the server reads no further request of the
    connection until the response.
    """


PROBLEMS: Mapping[type[MostreadError], ProblemType] = {
    # The client must change the request.
    errors.BadRequest: ProblemType(400, "bad-request", "Bad Request", closes=True),
    errors.BadParameter: ProblemType(400, "bad-parameter", "Bad parameter"),
    errors.InvalidSentAt: ProblemType(400, "invalid-sent-at", "Bad Request"),
    errors.UnreadableBody: ProblemType(400, "unreadable-body", "Bad Request"),
    errors.InvalidBody: ProblemType(400, "invalid-body", "Bad Request"),
    errors.NoValidEvent: ProblemType(400, "no-valid-event", "Bad Request"),
    errors.InvalidArticle: ProblemType(400, "invalid-article", "Bad Request"),
    errors.NoValidArticle: ProblemType(400, "no-valid-article", "Bad Request"),
    errors.NoValidAlias: ProblemType(400, "no-valid-alias", "Bad Request"),
    errors.InvalidPlacement: ProblemType(400, "invalid-placement", "Bad Request"),
    errors.Unauthorized: ProblemType(401, "unauthorized", "Unauthorized"),
    errors.Forbidden: ProblemType(403, "forbidden", "Forbidden"),
    errors.EditorAccessDisabled: ProblemType(403, "editor-access-disabled", "Forbidden"),
    errors.ForeignPage: ProblemType(403, "foreign-page", "Forbidden"),
    errors.UnknownArticle: ProblemType(404, "unknown-article", "Unknown article"),
    errors.RequestTimeout: ProblemType(408, "request-timeout", "Request Timeout", closes=True),
    errors.DecisionConflict: ProblemType(409, "decision-conflict", "Conflict"),
    errors.CursorExpired: ProblemType(410, "cursor-expired", "Cursor expired"),
    errors.PayloadTooLarge: ProblemType(
        413, "too-large", "Content Too Large", "{error} Send it in several requests."
    ),
    errors.UnsupportedEncoding: ProblemType(415, "unsupported-encoding", "Unsupported Media Type"),
    # The collector: the client may retry.
    errors.KafkaUnavailable: ProblemType(
        503, "kafka-unavailable", "Service Unavailable", _NOT_STORED, retry_after=2
    ),
    errors.OutcomeUnknown: ProblemType(
        503,
        "outcome-unknown",
        "Service Unavailable",
        "{error} The events may or may not be stored; send them again with the same ids after "
        f"Retry-After, for at most {RESEND_LIMIT_SECONDS // 60} minutes. An id is counted once.",
        retry_after=2,
    ),
    errors.Overloaded: ProblemType(
        503, "overloaded", "Service Unavailable", _NOT_STORED, retry_after=1, waits=True
    ),
    errors.TooManyRequests: ProblemType(
        503, "overloaded", "Service Unavailable", _NOT_STORED, retry_after=1
    ),
    errors.BodyInterrupted: ProblemType(
        503, "overloaded", "Service Unavailable", _NOT_STORED, retry_after=1, closes=True
    ),
    # The ranking: the client may retry.
    errors.CollectorUnavailable: ProblemType(
        503, "collector-unavailable", "Collector unavailable", retry_after=2
    ),
    errors.TooManyStreams: ProblemType(
        503,
        "overloaded",
        "Overloaded",
        "{error}; try again later, or ask the operator to raise the limit.",
        retry_after=2,
    ),
    errors.TooManyFiles: ProblemType(429, "overloaded", "Too Many Requests", retry_after=5),
    errors.ClickHouseUnavailable: ProblemType(
        503,
        "counters-unavailable",
        "Counters unavailable",
        _NO_COUNTERS,
        retry_after=2,
    ),
    # ClickHouse lacks a table or a right. An operator can fix that while the service runs.
    errors.Misconfigured: ProblemType(
        503,
        "counters-unavailable",
        "Counters unavailable",
        _NO_COUNTERS,
        retry_after=2,
    ),
}


def problem_type(error: MostreadError) -> ProblemType | None:
    """Return the row of `PROBLEMS` for an exception, None if its class has none."""
    for cls in type(error).__mro__:
        if cls in PROBLEMS:
            return PROBLEMS[cls]
    return None


def problem_body(
    status: int, slug: str, title: str, detail: str, members: Mapping[str, object]
) -> bytes:
    """Return the JSON of a problem whose type is the stable `urn:mostread:problem:<slug>`.

    Within a request, it contains the id of the request.
    """
    return orjson.dumps(
        {
            "type": f"urn:mostread:problem:{slug}",
            "title": title,
            "status": status,
            "detail": detail,
            **members,
            **({"request_id": request} if (request := request_id.current()) else {}),
        }
    )


def problem(
    status: int,
    slug: str,
    title: str,
    detail: str,
    *,
    headers: dict[str, str] | None = None,
    **members: object,
) -> Response:
    """Return a problem response for a state without an exception, as a failing check."""
    body = problem_body(status, slug, title, detail, members)
    return Response(body, status=status, content_type=CONTENT_TYPE, headers=headers)


def problem_response(error: MostreadError) -> Response | None:
    """Return the response for an exception, None if `PROBLEMS` does not cover its class."""
    kind = problem_type(error)
    if kind is None:
        return None
    headers: dict[str, str] = {}
    members: Mapping[str, object] = {}
    if isinstance(error, InvalidRequest):
        headers.update(error.headers)
        members = error.members
    if kind.retry_after is not None:
        headers["Retry-After"] = str(kind.retry_after)
    if kind.closes:
        headers["Connection"] = "close"
    detail = kind.detail.format(error=error)
    return problem(kind.status, kind.slug, kind.title, detail, headers=headers, **members)


def refusal_delay(error: MostreadError) -> int:
    """Return the seconds to wait before the response for an exception."""
    kind = problem_type(error)
    return (kind.retry_after or 0) if kind is not None and kind.waits else 0


def not_found(request: Request) -> Response:
    """Return 404 for a path without a route, or a resource that does not exist."""
    detail = f"No resource at {request.path}; /openapi.json lists the paths."
    return problem(404, "not-found", "Not Found", detail)


def method_not_allowed(request: Request, allow: str) -> Response:
    """Return 405 for a route that does not support the method; `allow` lists those it does."""
    detail = f"{request.path} does not support {request.method}; use one of the methods in Allow."
    return problem(
        405, "method-not-allowed", "Method Not Allowed", detail, headers={"Allow": allow}
    )


def internal_error(request: Request) -> Response:
    """Log the current exception and return 500."""
    log.exception("request_failed", method=request.method, path=request.path)
    return problem(
        500,
        "internal-error",
        "Internal Server Error",
        "The service failed unexpectedly and logged the cause; try again later.",
    )
