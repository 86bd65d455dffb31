"""What a client is told while its request cannot be kept."""

from aiohttp import hdrs, web

from mostread.errors import OutcomeUnknown, Overloaded, Unavailable
from mostread.infra.http.connections import connection_of
from mostread.infra.http.problems import problem


def away(request: web.Request, error: Unavailable) -> web.Response:
    """Return the 503 for an error of the publisher.

    Where too much is under way the connection is not read until Retry-After has passed: to
    refuse costs half as much as to take, and a client that does not wait would leave no time
    for those who are served.
    """
    match error:
        case OutcomeUnknown():
            name, retry_after = "outcome-unknown", 2
            advice = (
                "The events may be kept or not. Send the same events again with the same ids "
                "after Retry-After, for at most 25 minutes: an id is counted once."
            )
        case Overloaded():
            name, retry_after = "overloaded", 1
            connection = connection_of(request)
            if connection is not None:
                connection.pause_reading_for(retry_after)
            advice = "Nothing was kept. Send it again after Retry-After."
        case _:
            name, retry_after = "kafka-unavailable", 2
            advice = "Nothing was kept. Send it again after Retry-After."
    return problem(
        503,
        name,
        "Service Unavailable",
        f"{error} {advice}",
        headers={hdrs.RETRY_AFTER: str(retry_after)},
    )
