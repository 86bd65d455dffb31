"""Apache Kafka's jars, fetched once per user and then shared by every data folder.

`python -m mostread.devstack.servers.kafka_download` fetches them ahead of time.
"""

import fcntl
import os
import shlex
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import click

from mostread.devstack.servers.base import Progress
from mostread.errors import KafkaUnavailable
from mostread.infra.settings import DevstackSettings

KAFKA_VERSION = "4.3.1"
# slf4j-simple and not log4j: beside a log4j coordinate, jgo applies log4j's
# dependencyManagement to everything and picks a kafka-clients that does not fit.
COORDINATES = (f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}", "org.slf4j:slf4j-simple:1.7.36")

CENTRAL = "Maven Central"


def cache_folder() -> Path:
    """Where this user keeps what can be fetched again."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "mostread"


def kafka_jars(progress: Progress) -> list[Path]:
    """Kafka and all it needs, in a stable order; fetched from a Maven repository the first time.

    Raises KafkaUnavailable, with the ways out, when it cannot be fetched.
    """
    folder = cache_folder() / f"kafka-{KAFKA_VERSION}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another `up` may be fetching just now
        if not folder.exists():
            _fetch(folder, progress)
    return sorted(folder.glob("*.jar"))


def _fetch(folder: Path, progress: Progress) -> None:
    """Fill the folder, which appears only when it is complete."""
    # An interrupted fetch leaves half a jar that jgo would take for a whole one. So it works
    # in a repository of our own that starts empty, not in the one that Maven shares.
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    mirror = DevstackSettings().maven_repository.rstrip("/")
    try:
        jars = _download(partial / "repository", mirror, progress)
    except Exception as error:  # whatever jgo's HTTP and XML libraries raise
        shutil.rmtree(partial, ignore_errors=True)
        raise KafkaUnavailable(_ways_out(mirror or CENTRAL, _reason(error), folder)) from error
    complete = partial / "jars"
    complete.mkdir()
    for jar in jars:
        jar.rename(complete / jar.name)
    complete.rename(folder)
    shutil.rmtree(partial)


def _download(repository: Path, mirror: str, progress: Progress) -> list[Path]:
    from jgo.maven import MavenContext  # noqa: PLC0415  half a second, needed once per user

    maven = MavenContext(
        repo_cache=repository,
        local_repos=[],
        remote_repos={"mirror": mirror} if mirror else None,
        timeout=30,
    )
    progress(f"Looking for Apache Kafka {KAFKA_VERSION} at {mirror or CENTRAL} ...")
    wanted = [maven.create_dependency(coordinate) for coordinate in COORDINATES]
    direct, transitive = maven.resolver.resolve(wanted)
    needed = [dependency for dependency in transitive if dependency.scope in ("compile", "runtime")]
    jars: list[Path] = []
    pool = ThreadPoolExecutor(4)
    try:
        fetches = [pool.submit(each.artifact.resolve) for each in (*direct, *needed)]
        for fetch in as_completed(fetches):
            jars.append(fetch.result())
            if len(jars) % 10 == 0 or len(jars) == len(fetches):
                progress(
                    f"Fetching Apache Kafka {KAFKA_VERSION}: {len(jars)} of {len(fetches)} jars"
                )
    finally:
        pool.shutdown(cancel_futures=True)  # after Ctrl-C or an error, no further jar
    return jars


# What the HTTP library calls it, and what that means to whoever reads it.
_REASONS = {
    "ProxyError": "the proxy that the environment names (https_proxy) does not answer",
    "ConnectTimeout": "it does not answer",
    "ReadTimeout": "it does not answer any more",
    "SSLError": "its certificate is not trusted",
    "ConnectionError": "it cannot be reached",
}


def _reason(error: Exception) -> str:
    said = " ".join(str(error).split())[:300]
    return _REASONS.get(type(error).__name__, said or repr(error))


def _ways_out(source: str, reason: str, folder: Path) -> str:
    return f"""\
Apache Kafka {KAFKA_VERSION} could not be fetched from {source}: {reason}.
It is fetched once, and kept in {folder}. Either
  - let this machine reach it (https_proxy and the like are heeded), or a mirror:
      MOSTREAD_MAVEN_REPOSITORY=https://mirror.example/maven2
  - copy that folder from a machine that has it
  - or let everything run on a Kafka of yours; it needs no embedded one, and ClickHouse is none
    of Maven's:
      MOSTREAD_KAFKA_BROKERS=host:port {_called()}"""


def _called() -> str:
    """Return the command that was given, as it is to be given again."""
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
