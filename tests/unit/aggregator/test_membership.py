"""Private methods of aiokafka's group coordinator that static membership relies on."""

import hashlib
import inspect
from collections.abc import Callable

import pytest
from aiokafka.consumer.group_coordinator import GroupCoordinator

METHODS: dict[Callable[..., object], str] = {
    GroupCoordinator._do_rejoin_group: "3cb016c98a08",
    GroupCoordinator.ensure_active_group: "33c84c1a9301",
    GroupCoordinator._maybe_leave_group: "016cd88a16e6",
    GroupCoordinator.reset_generation: "537aa37c531b",
    GroupCoordinator.request_rejoin: "f70a261c91c3",
}


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__qualname__)
def test_used_aiokafka_method_is_unchanged(method: Callable[..., object]) -> None:
    source = inspect.getsource(method)
    assert hashlib.sha256(source.encode()).hexdigest()[:12] == METHODS[method], (
        "read the new version, then adapt mostread/aggregator/stream/membership.py"
    )
