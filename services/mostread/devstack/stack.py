"""The whole system on one machine: its programs, their settings and their start order."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from mostread.devstack.data_dir import DataDir, load_or_create_secret
from mostread.devstack.ports import Ports, check_free
from mostread.devstack.process import spawn, tail
from mostread.devstack.servers.base import LocalServer
from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.devstack.servers.kafka import LocalKafka
from mostread.devstack.supervisor import Program, Supervisor
from mostread.errors import MostreadError
from mostread.infra.auth import token_file
from mostread.infra.auth.tokens import Role, Token, hash_token
from mostread.infra.healthcheck import readiness_error
from mostread.infra.settings import PREFIX, url_variable

VISITOR_SECRET = "MOSTREAD_COLLECTOR_VISITOR_SECRET"  # noqa: S105  its name
SESSION_SECRETS = (
    "MOSTREAD_RANKING_SESSION_SECRET",
    "MOSTREAD_COLLECTOR_SESSION_SECRET",
)
ARTICLES_TOKEN = "MOSTREAD_ARTICLES_TOKEN"  # noqa: S105  its name
TOKENS_FILE = "MOSTREAD_COLLECTOR_TOKENS_FILE"
KAFKA = "MOSTREAD_KAFKA_BROKERS"
CLICKHOUSE = "MOSTREAD_CLICKHOUSE_URL"


def stack_settings(data: DataDir, ports: Ports) -> dict[str, str]:
    """Return the settings of every service: the environment's, completed by the stack's.

    Collector and ranking accept the tokens of the file in the data directory, unless the
    environment names another file.
    """
    file = os.environ.get(TOKENS_FILE, str(data.tokens))
    listed = os.environ.get("MOSTREAD_COLLECTOR_TOKENS", "")
    collector = local_url(ports.collector)
    settings = {
        TOKENS_FILE: file,
        "MOSTREAD_RANKING_TOKENS_FILE": file,
        "MOSTREAD_RANKING_TOKENS": listed,
        "MOSTREAD_RANKING_COLLECTOR_URL": collector if file or listed else "",
        "MOSTREAD_ARTICLES_COLLECTOR_URL": collector,
        "MOSTREAD_NOTIFY_RANKING_URL": local_url(ports.ranking),
        KAFKA: f"127.0.0.1:{ports.kafka}",
        CLICKHOUSE: local_url(ports.clickhouse),
        # On one machine a silent worker is a dead one, and after kill -9 of the whole stack
        # the next start waits until the consumer group notices.
        "MOSTREAD_AGGREGATOR_SESSION_TIMEOUT_SECONDS": "8",
        "MOSTREAD_AGGREGATOR_SHUTDOWN_TIMEOUT_SECONDS": "10",
    }
    if not {TOKENS_FILE, ARTICLES_TOKEN, f"{ARTICLES_TOKEN}_FILE"} & os.environ.keys():
        settings[f"{ARTICLES_TOKEN}_FILE"] = str(data.cms_token)
    if not {VISITOR_SECRET, f"{VISITOR_SECRET}_FILE"} & os.environ.keys():
        load_or_create_secret(data.visitor_secret)
        settings[f"{VISITOR_SECRET}_FILE"] = str(data.visitor_secret)
    own = {f"{name}{suffix}" for name in SESSION_SECRETS for suffix in ("", "_FILE")}
    if not own & os.environ.keys():
        load_or_create_secret(data.session_secret)
        settings |= {f"{name}_FILE": str(data.session_secret) for name in SESSION_SECRETS}
    return {
        **settings,
        **{name: value for name, value in os.environ.items() if name.startswith(PREFIX)},
        "MOSTREAD_COLLECTOR_PORT": str(ports.collector),
        "MOSTREAD_RANKING_PORT": str(ports.ranking),
        # For the commands that call the services.
        url_variable("collector"): collector,
        url_variable("aggregator"): " ".join(map(local_url, ports.aggregators)),
        url_variable("ranking"): local_url(ports.ranking),
    }


def local_url(port: int) -> str:
    """Return the URL of a server on the loopback interface."""
    return f"http://127.0.0.1:{port}"


class Stack:
    """All programs of one data directory, which the caller has locked.

    A Kafka or ClickHouse that the environment names is used; the stack then starts none.
    """

    def __init__(
        self,
        data: DataDir,
        ports: Ports,
        report: Callable[[str], None],
        *,
        canary: bool = False,
        lock: int | None = None,
    ) -> None:
        self.ports = ports
        self.canary = canary
        self.env_file = data.env
        # The collector's tokens by role; empty where the environment names another file.
        self.tokens: dict[Role, Path] = {}
        if TOKENS_FILE not in os.environ:
            self.tokens = {Role.CMS: data.cms_token, Role.EDITOR: data.editor_token}
            if canary:
                self.tokens[Role.EMIT] = data.canary_token
        self._data = data
        self._report = report
        self._supervisor = Supervisor(data, report, lock)
        self._settings = stack_settings(data, ports)
        self._servers: list[LocalServer] = []
        if CLICKHOUSE not in os.environ:
            self._servers.append(LocalClickHouse(data.clickhouse, ports.clickhouse))
        if KAFKA not in os.environ:
            self._servers.append(LocalKafka(data.kafka, ports.kafka, ports.controller))

    def start(self) -> None:
        """Start everything and return when each part is ready. Raises MostreadError."""
        check_free(self._ports())
        if self.tokens:
            _register_tokens(self._data.tokens, self.tokens)
        self._data.write_env(self._settings)
        self._start_servers()
        self._initialise()
        self._start_services()
        if self.canary:
            self._start_canary()

    def watch(self, also: Callable[[], None] = lambda: None) -> None:
        """Restart processes that end, until an interrupt or an exception of `also`."""
        while True:
            self._supervisor.check(time.monotonic())
            also()
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop everything, producers first, so that accepted events are counted."""
        self._supervisor.stop_all()

    def _ports(self) -> Iterator[tuple[str, int]]:
        yield "ranking", self.ports.ranking
        yield "collector", self.ports.collector
        for port in self.ports.aggregators:
            yield "aggregator", port
        if self.canary:
            yield "canary", self.ports.canary
        for server in self._servers:
            yield from server.listening

    def _start_servers(self) -> None:
        for setting, name in ((KAFKA, "Kafka"), (CLICKHOUSE, "ClickHouse")):
            if setting in os.environ:
                self._report(f"Using the {name} at {os.environ[setting]}; none is started.")
        # ClickHouse starts while Kafka is downloaded and formatted.
        for server in self._servers:
            server.prepare(self._report)
            self._report(f"Starting {server.title} ...")
            self._supervisor.start(
                Program(
                    server.name,
                    server.argv,
                    self._settings,
                    partial(_not_responding, server),
                    server.stop_timeout,
                ),
                time.monotonic(),
            )
        self._supervisor.wait_ready()

    def _initialise(self) -> None:
        """Create topics and tables with `mostread init`, as an operator would."""
        self._report("Creating topics and tables ...")
        log = self._data.log("init")
        process = spawn(
            [sys.executable, "-m", "mostread", "init"], log=log, env=os.environ | self._settings
        )
        if process.wait() != 0:
            raise MostreadError(f"`mostread init` failed. The end of {log}:\n{tail(log)}")

    def _start_services(self) -> None:
        self._report("Starting aggregator, collector and ranking ...")
        for number, port in enumerate(self.ports.aggregators, start=1):
            name = f"aggregator-{number}"
            # A worker that crashes gets its partitions back as soon as it is restarted.
            member = {f"{PREFIX}AGGREGATOR_INSTANCE_ID": name}
            self._start_service(name, "aggregator", port, member)
        # After the aggregators, so that it ends before them.
        self._start_service("collector", "collector", self.ports.collector)
        self._start_service("ranking", "ranking", self.ports.ranking)
        self._supervisor.wait_ready()

    def _start_canary(self) -> None:
        """Start the canary, which is ready once its first event is in the list."""
        settings = {
            "MOSTREAD_CANARY_COLLECTOR_URL": local_url(self.ports.collector),
            "MOSTREAD_CANARY_RANKING_URL": local_url(self.ports.ranking),
        }
        if Role.EMIT in self.tokens:
            settings["MOSTREAD_CANARY_TOKEN"] = load_or_create_secret(self.tokens[Role.EMIT])
        self._report("Starting the canary ...")
        self._start_service("canary", "canary", self.ports.canary, settings)
        self._supervisor.wait_ready()

    def _start_service(
        self, name: str, command: str, port: int, settings: Mapping[str, str] | None = None
    ) -> None:
        own = {**(settings or {}), f"{PREFIX}{command.upper()}_PORT": str(port)}
        program = Program(
            name,
            [sys.executable, "-m", "mostread", command],
            self._settings | own,
            partial(readiness_error, local_url(port)),
        )
        self._supervisor.start(program, time.monotonic())


def _not_responding(server: LocalServer) -> str:
    return "" if server.is_ready() else "not responding yet"


def _register_tokens(file: Path, secrets: Mapping[Role, Path]) -> None:
    """Add the stack's tokens to the token file; keep others."""
    own = [
        Token(f"local-{role}", role, hash_token(load_or_create_secret(secret)))
        for role, secret in secrets.items()
    ]
    names = {token.name for token in own}
    if not set(own) <= set(token_file.read(file)):
        token_file.update(file, lambda tokens: (*(t for t in tokens if t.name not in names), *own))
