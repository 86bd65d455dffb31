"""A Kafka that cannot be fetched is said plainly, with the way around it."""

import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from mostread.devstack.servers.kafka_download import cache_folder, kafka_jars
from mostread.errors import KafkaUnavailable

ROOT = Path(__file__).parents[3]


@pytest.fixture
def unreachable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache, and a proxy that nobody listens at."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("MOSTREAD_MAVEN_REPOSITORY", raising=False)
    # Nobody listens on the discard port of this machine.
    for name in ("https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


@pytest.mark.usefixtures("unreachable")
def test_without_maven_central_the_error_names_the_ways_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["bin/mostread", "demo", "--still"])
    said: list[str] = []
    with pytest.raises(KafkaUnavailable) as refused:
        kafka_jars(said.append)
    assert said == ["Looking for Apache Kafka 4.3.1 at Maven Central ..."]
    told = str(refused.value)
    assert "from Maven Central: the proxy that the environment names (https_proxy) does not" in told
    assert "MOSTREAD_KAFKA_BROKERS=host:port bin/mostread demo --still" in told
    assert str(cache_folder() / "kafka-4.3.1") in told
    assert [each.name for each in cache_folder().iterdir()] == ["kafka-4.3.1.lock"]


def test_a_mirror_is_asked_instead_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    handler = partial(Recording, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as mirror:
        threading.Thread(target=mirror.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{mirror.server_port}/maven2"
        monkeypatch.setenv("MOSTREAD_MAVEN_REPOSITORY", f"{url}/")
        with pytest.raises(KafkaUnavailable, match=f"from {url}: .* not found"):
            kafka_jars(lambda _: None)
        mirror.shutdown()
    assert Recording.asked[0].startswith("/maven2/org/apache/kafka/kafka_2.13/4.3.1/")


class Recording(SimpleHTTPRequestHandler):
    """An empty mirror that knows what it was asked for."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_: object, **__: object) -> None:
        pass


@pytest.mark.usefixtures("unreachable")
def test_make_test_says_so_before_any_test_runs() -> None:
    environment = Path(sys.prefix)
    done = subprocess.run(
        [
            *("make", "--no-print-directory", f"VENV={environment}"),
            *("--old-file", str(environment / "dev.stamp")),  # nothing is to be installed here
            *("test", "TESTS=tests/integration/test_init.py"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Apache Kafka 4.3.1 could not be fetched from Maven Central" in done.stderr
    assert "make test TESTS=tests/unit" in done.stdout
    assert "passed" not in done.stdout
    assert "error" not in done.stdout


def test_jars_that_are_there_are_not_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "mostread" / "kafka-4.3.1"
    folder.mkdir(parents=True)
    (folder / "b.jar").touch()
    (folder / "a.jar").touch()
    assert kafka_jars(pytest.fail) == [folder / "a.jar", folder / "b.jar"]
