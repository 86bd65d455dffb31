"""Ports are counted from one base and checked before anything starts."""

import socket

import pytest

from mostread.devstack.ports import Ports, check_free
from mostread.errors import Misconfigured


def test_ports_of_further_workers_follow_all_others() -> None:
    ports = Ports(8080, workers=3)
    assert (ports.ranking, ports.collector) == (8080, 8081)
    assert (ports.clickhouse, ports.kafka, ports.controller) == (8083, 8084, 8085)
    assert ports.aggregators == [8082, 8086, 8087]
    assert Ports(8080).aggregators == [8082]
    assert (Ports(8080).canary, ports.canary) == (8086, 8088)


def test_check_free_names_the_taken_port_and_the_option() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Misconfigured, match=rf"port {port} for collector .* --ports BASE"):
            check_free([("collector", port)])
    check_free([("collector", port)])
