"""The three topics: their configuration, their creation, their identity."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import AuthorizationError, KafkaError, TopicAlreadyExistsError

from mostread.errors import KafkaUnavailable, Misconfigured
from mostread.infra.kafka.admin import READ, check_topic_access, missing_right
from mostread.infra.kafka.config import KafkaSettings, client_options
from mostread.infra.kafka.errors import check_access, translate_error

EVENT_BYTES = 2 << 20
"""The largest record of events."""
DEAD_LETTER_BYTES = 5 << 20
"""The largest dead letter: a line as large as a record of events, every character escaped."""
DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True)
class Topic:
    """A topic as the cluster knows it; a topic deleted and made again has another `id`."""

    name: str
    id: UUID
    partitions: int


class Admin(KafkaAdminClient):  # type: ignore[misc]
    """An admin client that leaves nothing running where no broker answers.

    kafka-python's own leaves a thread, which goes on asking for brokers, at each failed try.
    """

    def __init__(self, **configs: Any) -> None:
        self._closed = False
        try:
            super().__init__(**configs)
        except KafkaError:
            self.close()
            raise


def connect_admin(settings: KafkaSettings) -> KafkaAdminClient:
    """Return an admin client. Raises KafkaUnavailable where no broker answers in ten seconds,
    and Misconfigured where none lets us in.
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
    """Yield an admin client as `connect_admin` makes it, and close it."""
    client = connect_admin(settings)
    try:
        yield client
    finally:
        client.close()


def configurations(
    settings: KafkaSettings, *, partitions: int, replication: int, retention_days: int
) -> dict[str, dict[str, Any]]:
    """Return what to create: topic name to its partitions, replication factor and configs."""
    # The broker stamps each record, so that record time runs forward whatever a producer's
    # clock says: duplicates and lateness are decided by it.
    stamped = {"message.timestamp.type": "LogAppendTime"}
    # With three replicas, an acknowledgement by one broker alone could be lost with it.
    if replication >= 3:
        stamped |= {"min.insync.replicas": "2"}
    kept = {"cleanup.policy": "delete", "retention.ms": str(retention_days * DAY_MS)}
    return {
        settings.events_topic: {
            "num_partitions": partitions,
            "replication_factor": replication,
            "configs": {**stamped, **kept, "max.message.bytes": str(EVENT_BYTES)},
        },
        settings.articles_topic: {
            "num_partitions": 1,
            "replication_factor": replication,
            "configs": {**stamped, "cleanup.policy": "compact"},
        },
        settings.dead_letters_topic: {
            "num_partitions": 1,
            "replication_factor": replication,
            "configs": {**kept, "max.message.bytes": str(DEAD_LETTER_BYTES)},
        },
    }


def create_missing(
    client: KafkaAdminClient, wanted: dict[str, dict[str, Any]], timeout_seconds: float = 30
) -> list[str]:
    """Create the topics of `wanted` that are not there; return their names."""
    existing = set(client.list_topics())
    created = []
    for name, options in wanted.items():
        if name in existing:
            continue
        try:
            client.create_topics({name: options}, timeout_ms=int(timeout_seconds * 1000))
        except TopicAlreadyExistsError:
            continue
        except AuthorizationError as error:
            raise Misconfigured(missing_right(client, "CREATE", f"the topic {name}")) from error
        except KafkaError as error:
            raise Misconfigured(f"cannot create the topic {name}: {error}") from error
        created.append(name)
    client.wait_for_topics(list(wanted), timeout_ms=int(timeout_seconds * 1000))
    return created


# What a topic made by somebody else must have, or counting would not be exact.
_ESSENTIAL = ("message.timestamp.type", "max.message.bytes", "cleanup.policy")


class ConfigMismatch(NamedTuple):
    """A setting of a topic with which counting would not be exact."""

    topic: str
    key: str
    have: str
    need: str

    @property
    def what(self) -> str:
        return f"the topic {self.topic} has {self.key}={self.have} and needs {self.need}"

    @property
    def advice(self) -> str:
        return (
            f"alter it: kafka-configs.sh --alter --topic {self.topic} "
            f"--add-config {self.key}={self.need}"
        )


def configs(client: KafkaAdminClient, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return what is configured of each topic, defaults too; nothing of one that is not there."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    found = client.describe_configs(resources, config_filter="all")["topic"]
    return {
        name: {key: each["value"] for key, each in entries.items()}
        for name, entries in found.items()
    }


def config_mismatches(
    wanted: dict[str, dict[str, Any]], actual: dict[str, dict[str, str]]
) -> Iterator[ConfigMismatch]:
    """Yield what has to change of topics, given `configs` of those that are there."""
    for name, entries in actual.items():
        for key in _ESSENTIAL if entries else ():
            need, have = wanted[name]["configs"].get(key), entries[key]
            enough = int(have) >= int(need) if need and need.isdigit() else have == need
            if need is not None and not enough:
                yield ConfigMismatch(name, key, have, need)


def check_configured(client: KafkaAdminClient, wanted: dict[str, dict[str, Any]]) -> None:
    """Raise Misconfigured, saying what to set, where an existing topic would not do."""
    for found in config_mismatches(wanted, configs(client, wanted)):
        raise Misconfigured(f"{found.what}; {found.advice}")


def describe(client: KafkaAdminClient, name: str) -> Topic:
    """Return the topic `name`. Raises Misconfigured where there is none, or it may not be read."""
    try:
        (found,) = client.describe_topics([name])
    except KafkaError as error:
        raise KafkaUnavailable(f"Kafka does not describe the topic {name}: {error}") from error
    check_topic_access(client, found, READ)
    return Topic(name=name, id=UUID(str(found["topic_id"])), partitions=len(found["partitions"]))
