"""Apache Kafka's jars, fetched once per user and then shared by every data folder."""

import fcntl
import os
import shutil
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from mostread.errors import KafkaUnavailable
from mostread.local.server import Progress

KAFKA_VERSION = "4.3.1"
# slf4j-simple and not log4j: beside a log4j coordinate, jgo applies log4j's
# dependencyManagement to everything and picks a kafka-clients that does not fit.
COORDINATES = (f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}", "org.slf4j:slf4j-simple:1.7.36")


def cache_folder() -> Path:
    """Where this user keeps what can be fetched again."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "mostread"


def kafka_jars(progress: Progress) -> list[Path]:
    """Kafka and all it needs, in a stable order; fetched from Maven Central the first time.

    Raises KafkaUnavailable when it cannot be fetched.
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
    try:
        jars = _download(partial / "repository", progress)
    except Exception as error:  # whatever jgo's HTTP and XML libraries raise
        raise KafkaUnavailable(
            f"Apache Kafka {KAFKA_VERSION} could not be fetched from Maven Central "
            f"({type(error).__name__}: {error}). Check the network and try again, or run a "
            "Kafka of your own and name it in MOSTREAD_KAFKA_BROKERS=host:port"
        ) from error
    complete = partial / "jars"
    complete.mkdir()
    for jar in jars:
        jar.rename(complete / jar.name)
    complete.rename(folder)
    shutil.rmtree(partial)


def _download(repository: Path, progress: Progress) -> list[Path]:
    from jgo.maven import MavenContext  # noqa: PLC0415  half a second, needed once per user

    maven = MavenContext(repo_cache=repository, local_repos=[], timeout=30)
    progress(f"Resolving Apache Kafka {KAFKA_VERSION} ...")
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
