"""The id of a request, which log lines, problems and further services repeat.

It is the trace id of a valid `traceparent` (W3C Trace Context), else a valid `X-Request-Id`, else
random.
"""

import random
import re
from contextvars import ContextVar

HEADER = "X-Request-Id"

# Later versions than 00 may append fields.
_TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}"
    r"-[0-9a-f]{2}(?P<more>-.*)?"
)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:=+/@-]{1,128}")

_current: ContextVar[str] = ContextVar("request_id", default="")


def begin(traceparent: str | None, request_id: str | None) -> str:
    """Choose the id of a request by its headers, for the current task and those that it starts."""
    chosen = (traceparent and _trace_id(traceparent)) or (
        request_id if request_id and _REQUEST_ID.fullmatch(request_id) else _random()
    )
    _current.set(chosen)
    return chosen


def current() -> str:
    """Return the id of the request that the current task answers, empty outside of requests."""
    return _current.get()


def _trace_id(traceparent: str) -> str | None:
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None or (match["version"] == "00" and match["more"]):
        return None
    return match["trace"]


def _random() -> str:
    # Unique, which is enough: nothing depends on nobody guessing it.
    return f"{random.getrandbits(128):032x}"
