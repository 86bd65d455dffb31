"""Peer: an aiohttp handler that reads the body and discards it. The port is the argument."""

import sys

import uvloop
from aiohttp import web


async def accept(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(status=202, text='{"accepted":1}', content_type="application/json")


if __name__ == "__main__":
    uvloop.install()
    application = web.Application()
    application.router.add_post("/v1/events", accept)
    web.run_app(
        application, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=lambda _: None
    )
