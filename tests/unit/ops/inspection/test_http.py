"""Whether anybody listens, told in words."""

import socket

import pytest

from mostread.ops.inspection.http import knock, place


def test_who_listens_is_heard_and_who_does_not_is_told_from_a_wrong_address() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        assert knock(f"127.0.0.1:{port}") == "connection refused"
        listening.listen()
        assert knock(f"127.0.0.1:{port}") == ""
    assert knock("no-such-host.invalid:9092") == "there is no such host"
    assert knock("127.0.0.1") == "it is no host:port"
    assert knock("127.0.0.1:many") == "it is no host:port"


@pytest.mark.parametrize(
    ("url", "at"),
    [
        ("http://db", "db:8123"),
        ("https://db/", "db:8443"),
        ("http://[::1]:9", "[::1]:9"),
        ("https://10.0.0.1:1", "10.0.0.1:1"),
    ],
)
def test_the_place_of_an_address(url: str, at: str) -> None:
    assert place(url) == at
