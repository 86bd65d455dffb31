"""Static membership: two cases that brokers and aiokafka leave open.

An id used twice: the broker gives the membership to the worker that joined last, and answers the
other with UNKNOWN_MEMBER_ID. Java's consumer sends its instance id along and learns that it is
fenced. aiokafka's does not: it joins again, so that the two would replace each other every few
seconds without an error.

New partitions: only the member that assigns partitions watches for them, and a static member that
has restarted no longer learns that it is the one (KIP-814, which aiokafka lacks).
"""

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError as AIOKafkaError
from kafka.errors import KafkaError

from mostread.aggregator.config import AggregatorSettings
from mostread.errors import MostreadError
from mostread.infra.kafka import topics
from mostread.infra.kafka.admin import describe_group
from mostread.infra.logging import get_logger

log = get_logger(__name__)

RETRY_SECONDS = 0.5
CHECK_SECONDS = 15.0


class InstanceIdTakenError(AIOKafkaError):  # type: ignore[misc]
    """Another worker has joined the group with the same instance id."""


def refuse_to_replace(consumer: AIOKafkaConsumer, settings: AggregatorSettings) -> None:
    """Let `consumer` fail with InstanceIdTakenError where it would replace another worker.

    It must be a member already: a worker that starts does replace its predecessor.
    """
    coordinator, instance_id = consumer._coordinator, settings.aggregator_instance_id
    if not instance_id or "_do_rejoin_group" in vars(coordinator):
        return
    join = coordinator._do_rejoin_group

    async def join_unless_replaced(subscription: Any) -> bool:
        if not coordinator.member_id:  # the broker did not know it
            try:
                replaced = await asyncio.to_thread(_is_member, settings, instance_id)
            except (MostreadError, KafkaError, OSError):
                await asyncio.sleep(RETRY_SECONDS)
                return False
            if replaced:
                raise InstanceIdTakenError(
                    f"another worker has joined the consumer group {settings.aggregator_group} "
                    f"with the same MOSTREAD_AGGREGATOR_INSTANCE_ID={instance_id}; give each "
                    "worker an id of its own, or leave it empty"
                )
        joined: bool = await join(subscription)
        return joined

    coordinator._do_rejoin_group = join_unless_replaced


async def has_new_partitions(settings: AggregatorSettings, group: str, topic: str) -> bool:
    """Return whether static members should join again, because partitions have no member.

    The broker then rebalances if the member that assigns them is among those. Call this every
    CHECK_SECONDS.
    """
    if not settings.aggregator_instance_id:
        return False
    try:
        unassigned = await asyncio.to_thread(_unassigned, settings, group, topic)
    except (MostreadError, KafkaError, OSError):
        return False  # the next call tries again
    if unassigned:
        log.info("rejoining_for_new_partitions", topic=topic, partitions=unassigned)
    return bool(unassigned)


def _is_member(settings: AggregatorSettings, instance_id: str) -> bool:
    with topics.admin(settings) as client:
        group = describe_group(client, settings.aggregator_group, settings.events_topic)
    return any(member.instance_id == instance_id for member in group.members)


def _unassigned(settings: AggregatorSettings, group: str, topic: str) -> list[int]:
    """Return the partitions of `topic` without a member, none while the group rebalances."""
    with topics.admin(settings) as client:
        described = describe_group(client, group, topic)
        if described.is_rebalancing:
            return []
        return described.unassigned(topics.describe(client, topic).partitions)
