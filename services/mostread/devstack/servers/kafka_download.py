"""Download Apache Kafka's jars, once per user; every data directory shares them.

`python -m mostread.devstack.servers.kafka_download` fetches them ahead of time.
"""

import fcntl
import hashlib
import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import click

from mostread.devstack.servers.base import Progress
from mostread.errors import KafkaUnavailable
from mostread.infra.settings import DevstackSettings

KAFKA_VERSION = "4.3.1"
JARS = Path(__file__).with_name("kafka_jars.txt")
CENTRAL = "Maven Central"
PARALLEL_DOWNLOADS = 8
REPORT_SECONDS = 2.0
_MB = 1_000_000


def cache_dir() -> Path:
    """Return the directory for files that can be downloaded again."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "mostread"


def kafka_jars(progress: Progress) -> list[Path]:
    """Return Kafka's jars in a stable order; download them the first time.

    Raises KafkaUnavailable, with the alternatives, when the download fails.
    """
    directory = cache_dir() / f"kafka-{KAFKA_VERSION}"
    directory.parent.mkdir(parents=True, exist_ok=True)
    with directory.with_name(f"{directory.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process may be downloading
        if not directory.exists():
            _fetch(directory, progress)
    return sorted(directory.glob("*.jar"))


def pinned_jars() -> Iterator[tuple[str, str]]:
    """Yield the Maven coordinate and the SHA-256 of each jar."""
    for line in JARS.read_text().splitlines():
        if not line.startswith("#"):
            coordinate, _, digest = line.partition(" ")
            yield coordinate, digest


def _fetch(directory: Path, progress: Progress) -> None:
    """Fill the directory, which appears only when it is complete."""
    # An interrupted download leaves half a jar that jgo would take for a complete one, so each
    # attempt starts with an empty repository of its own.
    partial = directory.with_name(f"{directory.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    mirror = DevstackSettings().maven_repository.rstrip("/")
    try:
        jars = _download(partial / "repository", mirror, progress)
    except Exception as error:  # whatever jgo's HTTP library raises
        shutil.rmtree(partial, ignore_errors=True)
        raise KafkaUnavailable(_advice(mirror or CENTRAL, _reason(error), directory)) from error
    complete = partial / "jars"
    complete.mkdir()
    for jar in jars:
        jar.rename(complete / jar.name)
    complete.rename(directory)
    shutil.rmtree(partial)


def _download(repository: Path, mirror: str, progress: Progress) -> list[Path]:
    from jgo.maven import MavenContext  # noqa: PLC0415  half a second, needed once per user

    maven = MavenContext(
        repo_cache=repository,
        local_repos=[],
        remote_repos={"mirror": mirror} if mirror else None,
        timeout=30,
    )

    def fetch(coordinate: str, digest: str) -> Path:
        group, artifact, version = coordinate.split(":")
        jar = Path(maven.project(group, artifact).at_version(version).artifact().resolve())
        if hashlib.sha256(jar.read_bytes()).hexdigest() != digest:
            raise ValueError(f"{coordinate} does not have the expected SHA-256")
        return jar

    progress(f"Downloading Apache Kafka {KAFKA_VERSION} from {mirror or CENTRAL} ...")
    first, *others = pinned_jars()
    jars = [fetch(*first)]  # alone, so that an unreachable repository fails once
    size = jars[0].stat().st_size
    reported = time.monotonic()
    pool = ThreadPoolExecutor(PARALLEL_DOWNLOADS)
    try:
        for download in as_completed([pool.submit(fetch, *each) for each in others]):
            jars.append(download.result())
            size += jars[-1].stat().st_size
            done = len(jars) == 1 + len(others)
            if done or time.monotonic() - reported > REPORT_SECONDS:
                reported = time.monotonic()
                progress(
                    f"Downloaded {len(jars)} of {1 + len(others)} jars of Apache Kafka, "
                    f"{size / _MB:.0f} MB"
                )
    finally:
        pool.shutdown(cancel_futures=True)  # after Ctrl-C or an error, no further jar
    return jars


# The HTTP library's exceptions, in words for the person at the terminal.
_REASONS = {
    "ProxyError": "the proxy that the environment names (https_proxy) does not answer",
    "ConnectTimeout": "the connection timed out",
    "ReadTimeout": "the server stopped responding",
    "SSLError": "its certificate is not trusted",
    "ConnectionError": "the host cannot be reached",
}


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())[:300]
    return _REASONS.get(type(error).__name__, text or repr(error))


def _advice(source: str, reason: str, directory: Path) -> str:
    return f"""\
Apache Kafka {KAFKA_VERSION} could not be fetched from {source}: {reason}.
It is downloaded once and cached in {directory}. Either
  - give this machine access to it (https_proxy is respected) or to a mirror:
      MOSTREAD_MAVEN_REPOSITORY=https://mirror.example/maven2
  - copy that directory from a machine that has it
  - or use a Kafka that already runs; the embedded ClickHouse does not need Maven:
      MOSTREAD_KAFKA_BROKERS=host:port {_command()}"""


def _command() -> str:
    """Return the command line of this process, to be repeated."""
    program, *arguments = sys.argv
    if not arguments:
        return "mostread up"
    name = "mostread" if Path(program).name == "__main__.py" else program
    return shlex.join([name, *arguments])


if __name__ == "__main__":
    try:
        kafka_jars(click.echo)
    except KafkaUnavailable as unavailable:
        sys.exit(f"mostread: {unavailable}")
