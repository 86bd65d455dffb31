"""Peer: an aiohttp handler that answers GET with the JSON in a file. Arguments: port, file."""

import sys
from pathlib import Path

import uvloop
from aiohttp import web

_BODY = Path(sys.argv[2]).read_bytes()


async def get(_: web.Request) -> web.Response:
    return web.Response(body=_BODY, content_type="application/json")


if __name__ == "__main__":
    uvloop.install()
    application = web.Application()
    application.router.add_get("/v1/most-read", get)
    web.run_app(
        application, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=lambda _: None
    )
