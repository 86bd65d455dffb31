"""Errors over HTTP are problem+json (RFC 9457), whoever raised them."""

from collections.abc import Awaitable, Callable

import orjson
from aiohttp import web

from mostread.infra import logging as logs

log = logs.get(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def problem(
    status: int,
    name: str,
    title: str,
    detail: str,
    *,
    headers: dict[str, str] | None = None,
    **members: object,
) -> web.Response:
    """Return a problem whose `type` is the stable `urn:mostread:problem:<name>`.

    `detail` says what to do about it; `members` are further fields of the JSON object.
    """
    body = {
        "type": f"urn:mostread:problem:{name}",
        "title": title,
        "status": status,
        "detail": detail,
        **members,
    }
    return web.Response(
        status=status,
        body=orjson.dumps(body),
        content_type="application/problem+json",
        headers=headers,
    )


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what aiohttp raises, and what nobody expected, into problem+json."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        name = error.reason.lower().replace(" ", "-")
        detail = {
            404: f"There is nothing at {request.path}. /openapi.json lists the addresses.",
            405: f"{request.method} is not for {request.path}.",
            413: "The body is larger than this address takes. Send less at once.",
        }.get(error.status, error.text or error.reason)
        return problem(error.status, name, error.reason, detail, headers=headers)
    except ConnectionError:
        raise  # the client is gone: nobody is left to tell, and it is no fault of ours
    except Exception:
        log.exception("request_failed", method=request.method, path=request.path)
        return problem(
            500,
            "internal-error",
            "Internal Server Error",
            "This is our fault and it is in our log. Try again.",
        )
