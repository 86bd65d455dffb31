"""The ClickHouse engine behind TLS, with users that have the rights of deploy/clickhouse.

The engine itself enforces the rights: each user is a role in its configuration, and a statement
runs with the role of its sender. As a program, this module serves the configuration that
`SecureClickHouse` wrote into a directory.
"""

import asyncio
import http.client
import json
import re
import signal
import ssl
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import chdb
from aiohttp import BasicAuth, web

from mostread.devstack.servers.base import LocalServer, Progress
from mostread.devstack.servers.chdb_engine import Engine
from mostread.devstack.servers.chdb_http import LARGEST_BODY, LONGEST_URL, HttpFront
from mostread.errors import ClickHouseUnavailable
from tests.support.servers import free_ports
from tests.support.tls.certificates import Authority

GRANT = re.compile(r"^(?P<what>GRANT .+) TO (?P<who>\w+)$", re.DOTALL)
EVERYTHING = "everything"  # the role that prepares the database of a test
USERS = """\
<clickhouse>
  <profiles><default/></profiles><quotas><default/></quotas>
  <roles>{roles}</roles>
  <users><default>
    <password></password><networks><ip>::/0</ip></networks>
    <profile>default</profile><quota>default</quota>
    <grants><query>GRANT {names}</query></grants>
  </default></users>
</clickhouse>
"""


def statements(sql: str) -> list[str]:
    """Return the statements of an SQL file, without comments."""
    lines = [line for line in sql.splitlines() if not line.startswith("--")]
    return [part.strip() for part in "\n".join(lines).split(";") if part.strip()]


def grants(sql: str) -> dict[str, list[str]]:
    """Return the grants of each user, as GRANT without TO."""
    granted_to: dict[str, list[str]] = {}
    for statement in statements(sql):
        if granted := GRANT.match(statement):
            granted_to.setdefault(granted["who"], []).append(granted["what"])
    return granted_to


@dataclass(frozen=True)
class ServerConfig:
    """Configuration of the server process, passed in a file since it has passwords."""

    passwords: dict[str, str]
    ports: dict[str, int]
    certificates: dict[str, str]
    trusted: str


class RoleEngine(Engine):
    """The engine with the rights of one role."""

    def __init__(self, data: Path, role: str) -> None:
        self._role = role
        super().__init__(data)

    def connect(self) -> Any:
        connection = chdb.connect(self._path)
        connection.query(f"SET ROLE {self._role}")
        return connection


class Users:
    """Forwards each request to the front of its user."""

    def __init__(self, data: Path, passwords: Mapping[str, str]) -> None:
        self._fronts = {
            name: HttpFront(RoleEngine(data, name), password)
            for name, password in passwords.items()
        }

    def application(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_route("*", "/", self._statement)
        app.router.add_get("/ping", _ok)
        return app

    async def _statement(self, request: web.Request) -> web.StreamResponse:
        header = request.headers.get("Authorization")
        name = BasicAuth.decode(header).login if header else ""
        # Like ClickHouse, the response does not reveal which of the two was wrong.
        front = self._fronts.get(name)
        if front is None:
            return web.Response(
                status=403,
                headers={"X-ClickHouse-Exception-Code": "516"},
                text=f"Code: 516. DB::Exception: {name}: Authentication failed: password is "
                "incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)\n",
            )
        return await front.statement(request)

    def close(self) -> None:
        for front in self._fronts.values():
            front.close()


async def _ok(_: web.Request) -> web.Response:
    return web.Response(text="Ok.\n")


async def serve(directory: Path) -> None:
    """Serve until SIGTERM."""
    config = ServerConfig(**json.loads((directory / "config.json").read_text()))
    ending = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
    users = Users(
        Path(f"{directory / 'data'}?config-file={directory / 'config.xml'}"), config.passwords
    )
    runner = web.AppRunner(
        users.application(), access_log=None, max_line_size=LONGEST_URL, auto_decompress=False
    )
    await runner.setup()
    for name, port in config.ports.items():
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=config.trusted)
        context.load_cert_chain(config.certificates[name])
        if name == "certificates":
            context.verify_mode = ssl.CERT_REQUIRED
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
    await ending.wait()
    await runner.cleanup()
    users.close()


class SecureClickHouse(LocalServer):
    """ClickHouse with TLS on `url`, for users with passwords.

    The certificate does not match the host of `url_by_address`; that of `expired` has expired;
    `certificates` requires a client certificate.
    """

    name = "clickhouse"
    unavailable = ClickHouseUnavailable

    def __init__(
        self, data: Path, authority: Authority, passwords: Mapping[str, str], sql: str
    ) -> None:
        super().__init__(data)
        users, expired, certificates = free_ports(3)
        self.listening = (("ClickHouse", users),)
        self._port = users
        self._context = ssl.create_default_context(cafile=str(authority.file))
        self.url, self.url_by_address = f"https://localhost:{users}", f"https://127.0.0.1:{users}"
        self.expired = f"https://localhost:{expired}"
        self.certificates = f"https://localhost:{certificates}"
        good, old = str(authority.sign("localhost")), str(authority.sign("localhost", expired=True))
        self._config = ServerConfig(
            passwords=dict(passwords),
            ports={"users": users, "expired": expired, "certificates": certificates},
            certificates={"users": good, "expired": old, "certificates": good},
            trusted=str(authority.file),
        )
        self._grants = {**grants(sql), EVERYTHING: ["GRANT ALL ON *.*"]}

    @property
    def argv(self) -> list[str]:
        return [sys.executable, "-m", "tests.support.tls.secure_clickhouse", str(self.data)]

    def prepare(self, progress: Progress) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        (self.data / "config.json").write_text(json.dumps(asdict(self._config)))
        users = self.data / "users.xml"
        (self.data / "config.xml").write_text(
            f"<clickhouse><users_config>{users}</users_config></clickhouse>"
        )
        roles = ""
        for name, granted in self._grants.items():
            queries = "".join(f"<query>{each}</query>" for each in granted)
            roles += f"<{name}><grants>{queries}</grants></{name}>"
        users.write_text(USERS.format(roles=roles, names=", ".join(self._grants)))

    def is_ready(self) -> bool:
        connection = http.client.HTTPSConnection(
            "localhost", self._port, timeout=5, context=self._context
        )
        try:
            connection.request("GET", "/ping")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


@contextmanager
def running_secure_clickhouse(
    data: Path, authority: Authority, passwords: Mapping[str, str], sql: str
) -> Iterator[SecureClickHouse]:
    """Run a server whose users have these passwords, and the rights that `sql` grants."""
    server = SecureClickHouse(data, authority, passwords, sql)
    try:
        server.start()
        yield server
    finally:
        server.stop()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
