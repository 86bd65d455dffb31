"""The image, built from its Dockerfile and run as in docker-compose.yml.

Read-only, as a user without a name, without any capability, and on the real servers.
"""

import json
import os
import re
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from mostread.cli.main import COMMANDS
from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.devstack.servers.kafka import LocalKafka
from mostread.infra.healthcheck import PORTS
from tests.support.compose import (
    CONTAINERS,
    ROOT,
    SECRETS,
    create_secrets,
    in_bytes,
    passed_to,
    seconds,
)
from tests.support.image import Build, Stage, environment
from tests.support.servers import free_ports
from tests.support.system import listed, wait_until
from tools import sbom

# These need a token of the collector; tests/integration/ops covers them.
SERVING = sorted(PORTS.keys() - {"canary", "articles", "notify"})
COMMIT_TIME = "1767225600"
pytestmark = pytest.mark.timeout(400)  # the image is built once, half a minute on a quiet machine


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    if os.geteuid() != 0:
        pytest.skip("the image gives a folder to a user of its own, which takes root")
    return Build(tmp_path_factory.mktemp("image"), SOURCE_DATE_EPOCH=COMMIT_TIME).stage()


class Container:
    """A container of docker-compose.yml, on addresses of this machine."""

    def __init__(self, image: Stage, name: str, settings: dict[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self.port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        self._image = image
        self._settings = {**passed_to(name), **settings}
        if name in PORTS:
            self._settings[f"MOSTREAD_{name.upper()}_PORT"] = str(self.port)
        user, group = image.user.split(":")
        self._as_user = [
            *("setpriv", "--reuid", user, "--regid", group, "--clear-groups"),
            *("--bounding-set", "-all", "--no-new-privs"),
        ]
        readable, writable = os.pipe()
        volume = "/var/lib/mostread"
        create_secrets(log.parent / "secrets")
        sandbox = image.sandbox(
            *("--perms", "1777", "--tmpfs", "/tmp"),  # noqa: S108  the image's own
            *("--bind", str(image.inside(volume)), volume),
            *("--tmpfs", SECRETS),
            *(
                word
                for secret in CONTAINERS[name]["secrets"]
                for word in ("--ro-bind", f"{log.parent}/secrets/{secret}", f"{SECRETS}/{secret}")
            ),
            *("--unshare-pid", "--as-pid-1", "--info-fd", str(writable)),
            *environment({**image.environment, **self._settings}),
        )
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [*sandbox, *self._as_user, *image.entry, *CONTAINERS[name]["command"]],
                pass_fds=[writable],
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        os.close(writable)
        with os.fdopen(readable) as status_pipe:
            self.pid: int = json.load(status_pipe)["child-pid"]

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the running container, as `docker compose exec` does."""
        variables = {**self._image.environment, **self._settings}
        inside = ["nsenter", "--target", str(self.pid), "--mount", "--pid", "--wd=/"]
        return subprocess.run(
            [*inside, *self._as_user, *command],
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )

    def healthy(self) -> bool:
        assert self.process.poll() is None, f"{self.name} has ended: {self.log.read_text()}"
        return self.execute(*self._image.health).returncode == 0

    def stop(self) -> int:
        """Ask it to end as Docker does, and return its exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return self.process.wait(seconds(CONTAINERS[self.name]["stop_grace_period"]))

    def peak_bytes(self) -> int:
        """Return the most memory that it has held."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        (peak,) = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
        return int(peak) << 10


@pytest.fixture(scope="module")
def containers(
    image: Stage,
    kafka: LocalKafka,
    clickhouse: LocalClickHouse,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Container]]:
    """All services, running and healthy; `init` has ended by then."""
    logs = tmp_path_factory.mktemp("logs")
    here = {
        "MOSTREAD_KAFKA_BROKERS": kafka.brokers,
        "MOSTREAD_KAFKA_TOPIC_PREFIX": "image.",
        "MOSTREAD_CLICKHOUSE_URL": clickhouse.url,
        "MOSTREAD_CLICKHOUSE_DATABASE": "image",
    }
    value: dict[str, Container] = {}
    try:
        for name in ("init", "collector", "aggregator", "ranking"):
            log = logs / f"{name}.log"
            value[name] = Container(image, name, here, log)
            if name == "init":
                assert value[name].process.wait(60) == 0, log.read_text()
        for name in SERVING:
            wait_until(value[name].healthy, f"{name} is healthy: {value[name].log.read_text()}")
        yield value
    finally:
        for container in value.values():
            container.process.kill()
            container.process.wait()


def test_event_is_counted_in_containers(containers: dict[str, Container]) -> None:
    event = {"type": "view", "article_id": "in-a-container", "visitor": "somebody"}
    request = urllib.request.Request(
        f"{containers['collector'].url}/v1/events", json.dumps(event).encode()
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert json.load(answer)["accepted"] == 1
    counts = f"{containers['ranking'].url}/v1/counts?id=in-a-container"

    def counted() -> bool:
        with urllib.request.urlopen(counts, timeout=30) as answer:
            return bool(json.load(answer)["counts"]["in-a-container"]["views"] == 1)

    wait_until(counted, "it is counted")


def test_article_described_with_token_created_in_container_is_listed(
    containers: dict[str, Container],
) -> None:
    collector = containers["collector"]
    made = collector.execute("mostread", "token", "create", "cms", "--role", "cms")
    assert made.returncode == 0, made.stderr
    request = urllib.request.Request(
        f"{collector.url}/v1/articles/in-a-container",
        json.dumps({"title": "A title"}).encode(),
        {"Authorization": f"Bearer {made.stdout.strip()}", "Content-Type": "application/json"},
        method="PUT",
    )

    def known() -> bool:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as refused:
            refused.close()
            if refused.code != 401:
                raise
            return False

    wait_until(known, "the token is known")
    ranking = containers["ranking"].url
    wait_until(lambda: listed(ranking, "1h") == {"in-a-container": (1, 1)}, "it is listed")


def test_every_command_loads_without_other_packages(containers: dict[str, Container]) -> None:
    script = (
        "import sys; from mostread.cli.main import mostread;"
        "[mostread.get_command(None, name).name for name in sys.argv[1:]]"
    )
    names = sorted(COMMANDS.keys() - {"up", "down", "demo"})  # of the extra `local`
    done = containers["ranking"].execute("python", "-c", script, *names)
    assert done.returncode == 0, done.stderr


def test_image_files_are_read_only_for_its_user(
    containers: dict[str, Container],
) -> None:
    for path in ("/venv/bin/mostread", "/venv/lib", "/usr", "/"):
        tried = containers["ranking"].execute("test", "-w", path)
        assert tried.returncode == 1, path
    status = containers["ranking"].execute("cat", "/proc/1/status").stdout
    assert "Uid:\t10001\t10001\t10001\t10001" in status
    assert "NoNewPrivs:\t1" in status
    assert "CapEff:\t0000000000000000" in status
    assert "CapBnd:\t0000000000000000" in status


@pytest.mark.parametrize("name", SERVING)
def test_service_starts_within_half_its_memory_limit(
    containers: dict[str, Container], name: str
) -> None:
    limit = in_bytes(CONTAINERS[name]["mem_limit"])
    assert containers[name].peak_bytes() < limit / 2


def test_image_has_no_package_manager(image: Stage) -> None:
    for name in ("pip", "setuptools", "wheel", "hatchling"):
        assert not list(image.root.glob(f"*/lib/python3*/site-packages/{name}"))


def test_image_is_reproducible(image: Stage) -> None:
    compiled = list(image.inside("/venv/lib").rglob("*.pyc"))
    assert len(compiled) > 1000
    # Bytes 4 to 7 are 1 where byte code goes by the source's hash, unchecked (PEP 552).
    assert {path.read_bytes()[4:8] for path in compiled} == {b"\1\0\0\0"}


def test_sbom_lists_every_installed_package(image: Stage) -> None:
    document = sbom.new_sbom(image.inside("/venv/bin/python"))
    assert sbom.schema_error(json.dumps(document)) is None
    assert document["metadata"]["component"]["name"] == "mostread"
    components = {canonicalize_name(each["name"]): each for each in document["components"]}
    locked = (ROOT / "requirements/base.txt").read_text()
    pinned = dict(re.findall(r"^([\w-]+)==([\w.]+)", locked, re.MULTILINE))
    versions = {name: each["version"] for name, each in components.items()}
    assert versions == pinned
    # The first writes "Apache 2.0" instead of an SPDX id; the second names MIT in its source only.
    unlicensed = {name for name, each in components.items() if not each.get("licenses")}
    assert unlicensed <= {"ahocorasick-rs", "device-detector"}


@pytest.mark.parametrize("name", SERVING)
def test_service_stops_within_grace_period(containers: dict[str, Container], name: str) -> None:
    """The last test: what it ends stays ended."""
    assert containers[name].stop() == 0, containers[name].log.read_text()
