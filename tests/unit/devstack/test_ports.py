"""Ports are counted from one base, and a taken one is named before anything starts."""

import socket

import pytest

from mostread.devstack.ports import Ports, check_free
from mostread.errors import Misconfigured


def test_further_workers_come_above_all_other_ports() -> None:
    ports = Ports(8080, workers=3)
    assert (ports.ranking, ports.collector) == (8080, 8081)
    assert (ports.clickhouse, ports.kafka, ports.controller) == (8083, 8084, 8085)
    assert ports.aggregators == [8082, 8086, 8087]
    assert Ports(8080).aggregators == [8082]
    assert (Ports(8080).canary, ports.canary) == (8086, 8088)


def test_a_taken_port_is_named_with_the_option_that_helps() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Misconfigured, match=rf"port {port} for collector .* --ports BASE"):
            check_free([("collector", port)])
    check_free([("collector", port)])
