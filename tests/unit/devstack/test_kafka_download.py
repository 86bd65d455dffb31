"""Downloading Kafka's jars: the pinned files, a mirror, and the advice after a failure."""

import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from mostread.devstack.servers.kafka_download import cache_dir, kafka_jars
from mostread.errors import KafkaUnavailable

ROOT = Path(__file__).parents[3]


@pytest.fixture
def unreachable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache, and a proxy that refuses connections."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("MOSTREAD_MAVEN_REPOSITORY", raising=False)
    # Nobody listens on the discard port of this machine.
    for name in ("https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


@pytest.mark.usefixtures("unreachable")
def test_download_without_maven_central_names_the_alternatives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["bin/mostread", "demo", "--no-traffic"])
    reported: list[str] = []
    with pytest.raises(KafkaUnavailable) as refused:
        kafka_jars(reported.append)
    assert reported == ["Downloading Apache Kafka 4.3.1 from Maven Central ..."]
    message = str(refused.value)
    assert (
        "from Maven Central: the proxy that the environment names (https_proxy) does not" in message
    )
    assert "MOSTREAD_KAFKA_BROKERS=host:port bin/mostread demo --no-traffic" in message
    assert str(cache_dir() / "kafka-4.3.1") in message
    assert [each.name for each in cache_dir().iterdir()] == ["kafka-4.3.1.lock"]


def test_download_uses_and_names_the_mirror_from_the_settings(
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
    assert Recording.requested[0].startswith("/maven2/org/apache/kafka/kafka_2.13/4.3.1/")


def test_download_refuses_a_jar_with_another_checksum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    jar = tmp_path / "org/apache/kafka/kafka_2.13/4.3.1/kafka_2.13-4.3.1.jar"
    jar.parent.mkdir(parents=True)
    jar.write_bytes(b"not the jar that was pinned")
    handler = partial(Recording, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as mirror:
        threading.Thread(target=mirror.serve_forever, daemon=True).start()
        monkeypatch.setenv("MOSTREAD_MAVEN_REPOSITORY", f"http://127.0.0.1:{mirror.server_port}")
        with pytest.raises(
            KafkaUnavailable, match=r"kafka_2\.13:4\.3\.1 does not have the expected"
        ):
            kafka_jars(lambda _: None)
        mirror.shutdown()
    assert not (cache_dir() / "kafka-4.3.1").exists()


class Recording(SimpleHTTPRequestHandler):
    """A mirror that records the paths requested."""

    requested: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.requested.append(self.path)
        super().do_GET()

    def log_message(self, *_: object, **__: object) -> None:
        pass


@pytest.mark.usefixtures("unreachable")
def test_make_test_without_kafka_fails_before_any_test_runs() -> None:
    environment = Path(sys.prefix)
    done = subprocess.run(
        [
            *("make", "--no-print-directory", f"VENV={environment}"),
            *("--old-file", str(environment / "dev.stamp")),  # nothing is to be installed here
            *("test", "TESTS=tests/integration/ops/test_init.py"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Apache Kafka 4.3.1 could not be fetched from Maven Central" in done.stderr
    assert "make test-fast" in done.stdout
    assert "passed" not in done.stdout
    assert "error" not in done.stdout


def test_cached_jars_are_not_downloaded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "mostread" / "kafka-4.3.1"
    folder.mkdir(parents=True)
    (folder / "b.jar").touch()
    (folder / "a.jar").touch()
    assert kafka_jars(pytest.fail) == [folder / "a.jar", folder / "b.jar"]
