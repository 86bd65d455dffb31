"""Private methods of Faust that the transport overrides, compared with the installed version."""

import hashlib
import inspect
from collections.abc import Callable

import pytest
from faust.transport import consumer as base
from faust.transport.drivers import aiokafka as driver

OVERRIDDEN: dict[Callable[..., object], str] = {
    base.Consumer.perform_seek: "0e8c130ff4b0",
    base.Consumer._drain_messages: "44a2500309e8",
    base.Consumer._new_offset: "1d2c7ea89a7a",
    base.Consumer.on_buffer_full: "c8961679e0bc",
    base.Consumer.on_buffer_drop: "4b57e8a418d5",
    base.Consumer._wait_next_records: "6218e1969a63",
    base.Consumer._add_gap: "4df2573ded7c",
    driver.Consumer._to_message: "7c24f6511b2f",
    driver.Consumer._new_consumer_thread: "0870ec53dea7",
    driver.AIOKafkaConsumerThread._create_worker_consumer: "c2701bfc3e6f",
    driver.AIOKafkaConsumerThread._fetch_records: "39a2c6c79fc1",
}


@pytest.mark.parametrize("method", OVERRIDDEN, ids=lambda method: method.__qualname__)
def test_overridden_faust_method_is_unchanged(
    method: Callable[..., object],
) -> None:
    source = inspect.getsource(method)
    assert hashlib.sha256(source.encode()).hexdigest()[:12] == OVERRIDDEN[method], (
        "read the new version, then adapt mostread/aggregator/stream"
    )
