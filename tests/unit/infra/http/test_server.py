"""A server in this process: it listens, and its port may be in use."""

import asyncio

import pytest
from structlog.testing import capture_logs

from mostread.errors import Misconfigured
from mostread.infra.http import server
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


async def test_stop_does_not_wait_for_an_incomplete_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "BODY_GRACE_SECONDS", 0.01)
    app, settings = Application(ServiceSettings()), ServiceSettings()
    with capture_logs() as logs:
        async with serving(app, Endpoint("127.0.0.1", 0, ""), settings) as port:
            slow, complete = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
            slow[1].write(b"GET / HTTP/1.1\r\nHost")
            complete[1].write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert b"404" in await complete[0].read()
        assert await slow[0].read() == b""
    assert [each["event"] for each in logs] == ["listening"]
    for _, writer in (slow, complete):
        writer.close()
