"""The embedded ClickHouse as one process: chdb behind an HTTP front, on loopback."""

import sys
from http import HTTPStatus
from pathlib import Path

from mostread.devstack.servers.base import LocalServer, Progress
from mostread.errors import ClickHouseUnavailable
from mostread.infra.healthcheck import NoResponse, get


class LocalClickHouse(LocalServer):
    """chdb, the ClickHouse engine as a library, on `url`: not the ClickHouse server."""

    name = "clickhouse"
    title = "the embedded ClickHouse (chdb behind an HTTP front)"
    unavailable = ClickHouseUnavailable
    stop_timeout = 150.0  # a long insert or merge is waited for

    def __init__(self, data: Path, port: int) -> None:
        super().__init__(data)
        self.url = f"http://127.0.0.1:{port}"
        self.listening = (("ClickHouse", port),)
        self._port = port

    @property
    def argv(self) -> list[str]:
        front = "mostread.devstack.servers.chdb_http"
        return [sys.executable, "-m", front, str(self.data / "data"), str(self._port)]

    def prepare(self, progress: Progress) -> None:
        self.data.mkdir(parents=True, exist_ok=True)

    def is_ready(self) -> bool:
        try:
            status, _ = get(self.url, "/ping")
        except NoResponse:
            return False
        return status == HTTPStatus.OK
