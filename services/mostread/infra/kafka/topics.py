"""Admin connections, and the three topics: configuration, creation and identity."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import AuthorizationError, KafkaError, TopicAlreadyExistsError

from mostread.core.dead_letters import MAX_BYTES as DEAD_LETTER_BYTES
from mostread.errors import KafkaUnavailable, Misconfigured
from mostread.infra.kafka.admin import READ, check_topic_access, missing_right
from mostread.infra.kafka.config import KafkaSettings, client_options
from mostread.infra.kafka.errors import check_access, translate_error

EVENT_BYTES = 2 << 20
"""Maximum size of a record of events."""
DAY_MS = 24 * 60 * 60 * 1000
_CREATE_TIMEOUT_MS = 30_000


@dataclass(frozen=True)
class Topic:
    """A topic as the cluster describes it; recreating it changes its `id`."""

    name: str
    id: UUID
    partitions: int


class Admin(KafkaAdminClient):  # type: ignore[misc]
    """An admin client that leaves no thread behind when no broker responds.

    kafka-python's own leaves one per failed attempt, which keeps trying to connect.
    """

    def __init__(self, **configs: Any) -> None:
        self._closed = False
        try:
            super().__init__(**configs)
        except KafkaError:
            self.close()
            raise


def connect_admin(settings: KafkaSettings) -> KafkaAdminClient:
    """Return an admin client.

    Raises KafkaUnavailable if no broker responds within ten seconds, and Misconfigured if the
    brokers refuse the connection.
    """
    check_access(settings)
    try:
        return Admin(
            **client_options(settings),
            bootstrap_timeout_ms=10_000,
            request_timeout_ms=10_000,
        )
    except (KafkaError, OSError) as error:
        raise translate_error(error, settings) from error


@contextmanager
def admin(settings: KafkaSettings) -> Iterator[KafkaAdminClient]:
    """Yield an admin client and close it; raises what `connect_admin` raises."""
    client = connect_admin(settings)
    try:
        yield client
    finally:
        client.close()


def configurations(
    settings: KafkaSettings, *, partitions: int, replication: int, retention_days: int
) -> dict[str, dict[str, Any]]:
    """Return partitions, replication factor and configs of each topic, by its name."""
    common = {
        # The broker sets the record time, which decides what is a duplicate or late. So it moves
        # forward, independent of the producers' clocks.
        "message.timestamp.type": "LogAppendTime",
        # A replica that lags behind lacks acknowledged records.
        "unclean.leader.election.enable": "false",
        # A broker's own codec would compress again what producers have compressed.
        "compression.type": "producer",
    }
    # With three replicas, a record acknowledged by one broker alone could be lost with it.
    if replication >= 3:
        common |= {"min.insync.replicas": "2"}
    expiring = {"cleanup.policy": "delete", "retention.ms": str(retention_days * DAY_MS)}
    return {
        settings.events_topic: {
            "num_partitions": partitions,
            "replication_factor": replication,
            "configs": {**common, **expiring, "max.message.bytes": str(EVENT_BYTES)},
        },
        settings.articles_topic: {
            "num_partitions": 1,
            "replication_factor": replication,
            "configs": {**common, "cleanup.policy": "compact"},
        },
        settings.dead_letters_topic: {
            "num_partitions": 1,
            "replication_factor": replication,
            "configs": {**common, **expiring, "max.message.bytes": str(DEAD_LETTER_BYTES)},
        },
    }


def create_missing(client: KafkaAdminClient, wanted: dict[str, dict[str, Any]]) -> list[str]:
    """Create the missing topics of `wanted`; return their names."""
    existing = set(client.list_topics())
    created = []
    for name, options in wanted.items():
        if name in existing:
            continue
        try:
            client.create_topics({name: options}, timeout_ms=_CREATE_TIMEOUT_MS)
        except TopicAlreadyExistsError:
            continue
        except AuthorizationError as error:
            raise Misconfigured(missing_right(client, "CREATE", f"the topic {name}")) from error
        except KafkaError as error:
            raise Misconfigured(f"cannot create the topic {name}: {error}") from error
        created.append(name)
    client.wait_for_topics(list(wanted), timeout_ms=_CREATE_TIMEOUT_MS)
    return created


# Configs that exact counting depends on, checked for topics that others created.
_ESSENTIAL = ("message.timestamp.type", "max.message.bytes", "cleanup.policy")


class ConfigMismatch(NamedTuple):
    """A config of a topic with which counting would not be exact."""

    topic: str
    key: str
    have: str
    need: str

    @property
    def problem(self) -> str:
        return f"the topic {self.topic} has {self.key}={self.have} and needs {self.need}"

    def advice(self, settings: KafkaSettings) -> str:
        return f"alter it: {alter_command(settings, self.topic, f'{self.key}={self.need}')}"


def alter_command(settings: KafkaSettings, topic: str, config: str) -> str:
    """Return the shell command that sets a config, `key=value`, or removes one, `key`."""
    connection = f"--bootstrap-server {settings.kafka_brokers}"
    if settings.kafka_security_protocol != "PLAINTEXT":
        connection += " --command-config admin.properties"
    change = "--add-config" if "=" in config else "--delete-config"
    return f"kafka-configs.sh {connection} --alter --topic {topic} {change} {config}"


def describe_configs(client: KafkaAdminClient, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the configs of each topic, defaults included; empty for a missing topic."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    described = client.describe_configs(resources, config_filter="all")["topic"]
    return {
        name: {key: each["value"] for key, each in entries.items()}
        for name, entries in described.items()
    }


def config_mismatches(
    wanted: dict[str, dict[str, Any]], actual: dict[str, dict[str, str]]
) -> Iterator[ConfigMismatch]:
    """Yield the configs to change, given those of existing topics."""
    for name, entries in actual.items():
        for key in _ESSENTIAL if entries else ():
            need, have = wanted[name]["configs"].get(key), entries[key]
            enough = int(have) >= int(need) if need and need.isdigit() else have == need
            if need is not None and not enough:
                yield ConfigMismatch(name, key, have, need)


def check_configured(
    client: KafkaAdminClient, settings: KafkaSettings, wanted: dict[str, dict[str, Any]]
) -> None:
    """Raise Misconfigured, naming the config, if an existing topic does not fit."""
    for mismatch in config_mismatches(wanted, describe_configs(client, wanted)):
        raise Misconfigured(f"{mismatch.problem}; {mismatch.advice(settings)}")


def describe(client: KafkaAdminClient, name: str) -> Topic:
    """Return the topic `name`. Raises Misconfigured if it is missing or may not be read."""
    try:
        (topic,) = client.describe_topics([name])
    except KafkaError as error:
        raise KafkaUnavailable(f"Kafka does not describe the topic {name}: {error}") from error
    check_topic_access(client, topic, READ)
    return Topic(name=name, id=UUID(str(topic["topic_id"])), partitions=len(topic["partitions"]))
