"""A server in this process: it listens, and its port may be in use."""

import asyncio

import pytest

from mostread.errors import Misconfigured
from mostread.infra.http.application import Application
from mostread.infra.http.config import ServiceSettings
from mostread.infra.http.connections import Endpoint
from mostread.infra.http.server import serving


async def test_serving_on_a_used_port_names_the_setting() -> None:
    used = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    port = used.sockets[0].getsockname()[1]
    settings = ServiceSettings()
    with pytest.raises(Misconfigured, match=f"127.0.0.1:{port} .*MOSTREAD_RANKING_PORT"):
        async with serving(
            Application(settings),
            Endpoint("127.0.0.1", port, "MOSTREAD_RANKING_PORT"),
            settings,
        ):
            pass
    used.close()
    await used.wait_closed()
