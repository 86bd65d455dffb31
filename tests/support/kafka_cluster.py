"""Three Kafka brokers and a controller, each a process with ports of its own."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mostread.devstack.servers.kafka import LocalKafka
from tests.support.servers import free_ports, is_open

CONTROLLER_ID = 100

# Appended to the properties of a single node: the last value of a key holds.
CONTROLLER = """\
process.roles=controller
node.id={node_id}
controller.quorum.voters={controller_id}@127.0.0.1:{controller_port}
listeners=CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=CONTROLLER://127.0.0.1:{controller_port}
"""
BROKER = """\
process.roles=broker
node.id={node_id}
controller.quorum.voters={controller_id}@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},REPLICATION://127.0.0.1:{replication_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{advertised_port},\
REPLICATION://127.0.0.1:{replication_port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,REPLICATION:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=REPLICATION
offsets.topic.replication.factor=3
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
min.insync.replicas=2
"""


class Node(LocalKafka):
    """A process of a cluster: the controller, or a broker."""

    heap = "320m"

    def __init__(self, data: Path, node_id: int, port: int, overrides: str, cluster: str) -> None:
        super().__init__(data, port, 0)
        self.node_id = node_id
        self._overrides = overrides
        data.mkdir(parents=True)
        (data / "cluster.id").write_text(cluster)

    def properties(self) -> str:
        return super().properties() + self._overrides

    def is_ready(self) -> bool:
        return is_open(self._port)

    def running(self) -> bool:
        """Return whether it was started, and neither stopped nor killed since."""
        return self.pid is not None


class Cluster:
    """A controller and three brokers, which clients reach at `advertised_ports`.

    The controller is not a broker, so that a quorum is left while two brokers are down.
    """

    def __init__(self, data: Path, ports: Sequence[int], advertised_ports: Sequence[int]) -> None:
        controller_port, *replication_ports = free_ports(1 + len(ports))
        common = {"controller_id": CONTROLLER_ID, "controller_port": controller_port}
        cluster = "mostread-tests-cluster"
        self.controller = Node(
            data / "controller",
            CONTROLLER_ID,
            controller_port,
            CONTROLLER.format(node_id=CONTROLLER_ID, **common),
            cluster,
        )
        self.nodes = [
            Node(
                data / f"broker-{number}",
                number,
                port,
                BROKER.format(
                    node_id=number,
                    port=port,
                    advertised_port=advertised_port,
                    replication_port=replication_port,
                    **common,
                ),
                cluster,
            )
            for number, (port, advertised_port, replication_port) in enumerate(
                zip(ports, advertised_ports, replication_ports, strict=True), 1
            )
        ]
        self.brokers = ",".join(f"127.0.0.1:{port}" for port in advertised_ports)

    def start(self) -> None:
        """Start what is down, and return when each process listens."""
        down = [each for each in (self.controller, *self.nodes) if not each.running()]
        for each in down:
            each.launch()
        for each in down:
            each.wait_ready()

    def kill(self) -> None:
        """Kill all brokers, as a power cut of the whole cluster would."""
        for node in self.nodes:
            node.kill()

    def stop(self) -> None:
        """Shut everything down, the controller last: the brokers take their leave of it."""
        for each in (*self.nodes, self.controller):
            each.stop()


@contextmanager
def running_cluster(
    data: Path, ports: Sequence[int], advertised_ports: Sequence[int]
) -> Iterator[Cluster]:
    """Run a cluster; brokers that `kill` or `stop` has ended can be started again."""
    cluster = Cluster(data, ports, advertised_ports)
    with ExitStack() as stack:
        stack.callback(cluster.stop)
        cluster.start()
        yield cluster
