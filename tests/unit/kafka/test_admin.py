"""Asking for a broker that is away, again and again, leaves nothing behind."""

import gc
import threading

import pytest
from kafka.errors import KafkaError

from mostread.kafka.topics import Admin
from stack import free_ports


# kafka-python leaves the closing of a socket to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_failed_try_leaves_no_thread() -> None:
    before = threading.active_count()
    for _ in range(3):
        with pytest.raises(KafkaError):
            Admin(bootstrap_servers=f"127.0.0.1:{free_ports(1)[0]}", bootstrap_timeout_ms=200)
    assert threading.active_count() == before
    gc.collect()
