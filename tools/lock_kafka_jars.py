"""Pin Apache Kafka's jars, with their SHA-256, in kafka_jars.txt: part of `make lock`."""

import hashlib
import tempfile
from pathlib import Path

from jgo.maven import MavenContext

from mostread.devstack.servers.kafka_download import JARS, KAFKA_VERSION

# slf4j-simple and not log4j: next to a log4j coordinate, jgo applies log4j's
# dependencyManagement to everything and picks a kafka-clients that does not fit.
COORDINATES = (f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}", "org.slf4j:slf4j-simple:1.7.36")
HEADER = """\
# Apache Kafka and its runtime dependencies: Maven coordinate, SHA-256.
# Written by tools/lock_kafka_jars.py.
"""


def main() -> None:
    """Resolve the coordinates, fetch every jar and write the lock file."""
    with tempfile.TemporaryDirectory() as cache:
        maven = MavenContext(repo_cache=Path(cache), local_repos=[], timeout=30)
        requested = [maven.create_dependency(coordinate) for coordinate in COORDINATES]
        direct, transitive = maven.resolver.resolve(requested)
        needed = [each for each in transitive if each.scope in ("compile", "runtime")]
        lines = []
        for dependency in (*direct, *needed):
            artifact = dependency.artifact
            digest = hashlib.sha256(artifact.resolve().read_bytes()).hexdigest()
            coordinate = f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}"
            assert not artifact.classifier, f"{coordinate} has a classifier"
            lines.append(f"{coordinate} {digest}")
    # Kafka's own jar first: the download starts with it alone.
    JARS.write_text(HEADER + "\n".join((lines[0], *sorted(lines[1:]))) + "\n")


if __name__ == "__main__":
    main()
