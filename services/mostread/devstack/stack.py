"""The whole system on one machine: which processes it has, and in which order they start."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from mostread.devstack.data_dir import DataFolder, kept_secret
from mostread.devstack.ports import Ports, check_free
from mostread.devstack.process import spawn, tail
from mostread.devstack.servers.base import LocalServer
from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.devstack.servers.kafka import LocalKafka
from mostread.devstack.supervisor import EventLog, Service, Supervisor
from mostread.errors import MostreadError
from mostread.infra.auth import token_file
from mostread.infra.auth.tokens import Role, Token, hash_token
from mostread.infra.healthcheck import readiness_error

READY_TIMEOUT = 120.0
VISITOR_SECRET = "MOSTREAD_COLLECTOR_VISITOR_SECRET"  # noqa: S105  its name
TOKENS_FILE = "MOSTREAD_COLLECTOR_TOKENS_FILE"
KAFKA = "MOSTREAD_KAFKA_BROKERS"
CLICKHOUSE = "MOSTREAD_CLICKHOUSE_URL"
SAY_WHAT_IS_MISSING_AFTER = 10.0


def service_environment(folder: DataFolder, ports: Ports) -> dict[str, str]:
    """Return the environment of every service: the caller's own, and where the stack's parts are.

    A Kafka or ClickHouse that the caller names is used, and none is started. Collector and
    ranking know the tokens of the file in the data folder, unless the caller names another.
    """
    file = os.environ.get(TOKENS_FILE, str(folder.tokens))
    named = os.environ.get("MOSTREAD_COLLECTOR_TOKENS", "")
    collector = f"http://127.0.0.1:{ports.collector}"
    secret = {}
    if f"{VISITOR_SECRET}_FILE" not in os.environ:
        secret[VISITOR_SECRET] = kept_secret(folder.visitor_secret)
    return {
        **secret,
        TOKENS_FILE: file,
        "MOSTREAD_RANKING_TOKENS_FILE": file,
        "MOSTREAD_RANKING_TOKENS": named,
        "MOSTREAD_RANKING_COLLECTOR_URL": collector if file or named else "",
        KAFKA: f"127.0.0.1:{ports.kafka}",
        CLICKHOUSE: f"http://127.0.0.1:{ports.clickhouse}",
        # On one machine a silent worker is a dead one, and after kill -9 of the whole stack
        # the next start waits for the group to notice.
        "MOSTREAD_AGGREGATOR_SESSION_TIMEOUT_SECONDS": "8",
        "MOSTREAD_AGGREGATOR_SHUTDOWN_TIMEOUT_SECONDS": "10",
        **os.environ,
        "MOSTREAD_COLLECTOR_PORT": str(ports.collector),
        "MOSTREAD_RANKING_PORT": str(ports.ranking),
    }


class Stack:
    """Everything under one data folder. The caller holds the folder."""

    def __init__(
        self,
        folder: DataFolder,
        ports: Ports,
        report: Callable[[str], None],
        *,
        canary: bool = False,
    ) -> None:
        self.ports = ports
        # Where the tokens are that the collector knows; none where the caller named others.
        self.tokens: dict[Role, Path] = {}
        if TOKENS_FILE not in os.environ:
            self.tokens = {Role.CMS: folder.cms_token, Role.EDITOR: folder.editor_token}
            if canary:
                self.tokens[Role.EMIT] = folder.canary_token
        self.canary = canary
        self._folder = folder
        self._report = report
        self._supervisor = Supervisor(folder, EventLog(folder.log("supervisor"), report))
        self._environment = service_environment(folder, ports)
        self._servers: list[LocalServer] = []
        if KAFKA not in os.environ:
            self._servers.append(LocalKafka(folder.kafka, ports.kafka, ports.controller))
        if CLICKHOUSE not in os.environ:
            self._servers.append(LocalClickHouse(folder.clickhouse, ports.clickhouse))

    def start(self) -> None:
        """Start everything and return when each part can work; raises MostreadError."""
        self._folder.end_orphans(self._report)
        check_free(self._listening())
        if self.tokens:
            _make_known(self._folder.tokens, self.tokens)
        self._start_servers()
        self._initialise()
        self._start_services()
        if self.canary:
            self._start_canary()

    def watch(self, also: Callable[[], None] = lambda: None) -> None:
        """Start again what dies, until an exception (an interrupt, or one of `also`) ends it."""
        while True:
            self._supervisor.check(time.monotonic())
            also()
            time.sleep(0.2)

    def stop(self) -> None:
        """End everything: producers first, so that what they have accepted is counted."""
        self._supervisor.stop_all()

    def _listening(self) -> Iterator[tuple[str, int]]:
        yield "ranking", self.ports.ranking
        yield "collector", self.ports.collector
        for port in self.ports.aggregators:
            yield "aggregator", port
        if self.canary:
            yield "canary", self.ports.canary
        for server in self._servers:
            yield from server.listening

    def _start_servers(self) -> None:
        """Start Kafka and ClickHouse, or those of them that the caller did not name."""
        for server in self._servers:
            server.prepare(self._report)
        for named, what in ((KAFKA, "Kafka"), (CLICKHOUSE, "ClickHouse")):
            if named in os.environ:
                self._report(f"Using the {what} at {os.environ[named]}; none is started.")
        services = [self._server(server) for server in self._servers]
        if services:
            self._report(f"Starting {' and '.join(service.name for service in services)} ...")
        self._start_all(services)

    def _server(self, server: LocalServer) -> Service:
        return Service(
            name=server.name,
            argv=server.argv,
            env=self._environment,
            missing=lambda: "" if server.is_ready() else "it does not respond yet",
            stop_timeout=server.stop_timeout,
        )

    def _initialise(self) -> None:
        """Create topics and tables, by the same command that an operator runs."""
        self._report("Creating topics and tables ...")
        log = self._folder.log("init")
        process = spawn([sys.executable, "-m", "mostread", "init"], log=log, env=self._environment)
        if process.wait() != 0:
            raise MostreadError(f"`mostread init` failed. The end of {log}:\n{tail(log)}")

    def _start_services(self) -> None:
        # The collector after the aggregators, so that it ends before them.
        services = [
            self._service(f"aggregator-{number}", "aggregator", port)
            for number, port in enumerate(self.ports.aggregators, start=1)
        ]
        services.append(self._service("collector", "collector", self.ports.collector))
        services.append(self._service("ranking", "ranking", self.ports.ranking))
        self._report("Starting aggregator, collector and ranking ...")
        self._start_all(services)

    def _start_canary(self) -> None:
        """Start it last: it is ready when an event of its own has come all the way."""
        environment = {
            "MOSTREAD_CANARY_COLLECTOR_URL": f"http://127.0.0.1:{self.ports.collector}",
            "MOSTREAD_CANARY_RANKING_URL": f"http://127.0.0.1:{self.ports.ranking}",
        }
        if Role.EMIT in self.tokens:
            environment["MOSTREAD_CANARY_TOKEN"] = kept_secret(self.tokens[Role.EMIT])
        self._report("Starting the canary ...")
        self._start_all([self._service("canary", "canary", self.ports.canary, environment)])

    def _service(
        self, name: str, command: str, port: int, environment: Mapping[str, str] | None = None
    ) -> Service:
        return Service(
            name=name,
            argv=[sys.executable, "-m", "mostread", command],
            env={
                **self._environment,
                **(environment or {}),
                f"MOSTREAD_{command.upper()}_PORT": str(port),
            },
            missing=partial(readiness_error, f"http://127.0.0.1:{port}"),
        )

    def _start_all(self, services: list[Service]) -> None:
        """Start the services side by side and wait until each is ready."""
        begun = time.monotonic()
        for service in services:
            self._supervisor.start(service, begun)
        said = ""
        waiting = services
        while waiting:
            self._supervisor.check(now := time.monotonic())
            lacking = {service.name: service.missing() for service in waiting}
            waiting = [service for service in waiting if lacking[service.name]]
            story = "; ".join(f"{name}: {what}" for name, what in lacking.items() if what)
            if now - begun > READY_TIMEOUT:
                raise MostreadError(f"gave up after {READY_TIMEOUT:g} s: {story}")
            if now - begun > SAY_WHAT_IS_MISSING_AFTER and story not in ("", said):
                self._report(f"Waiting for {story}")
                said = story
            time.sleep(0.1 if waiting else 0)


def _make_known(file: Path, kept: Mapping[Role, Path]) -> None:
    """Have the file of tokens hold those of the stack itself, beside others it may hold."""
    ours = [Token(f"local-{role}", role, hash_token(kept_secret(at))) for role, at in kept.items()]
    names = {token.name for token in ours}
    if not set(ours) <= set(token_file.read(file)):
        token_file.update(file, lambda tokens: (*(t for t in tokens if t.name not in names), *ours))
