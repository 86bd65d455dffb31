"""Client addresses behind proxies, which clients cannot forge, and networks."""

from dataclasses import dataclass

import pytest
from structlog.testing import capture_logs

from mostread.collector.pipeline.client_info import AddressResolver, client_network
from mostread.infra.http.networks import Networks, normalize_address
from tests.support.http import FakeHeaders

PROXIES = Networks("10.0.0.0/8, 2001:db8:ffff::/48")


@dataclass
class FakeRequest:
    peer: str
    headers: FakeHeaders


def resolve(
    peer: str,
    *values: str,
    header: str = "X-Forwarded-For",
    proxies: Networks = PROXIES,
    hops: int = 0,
) -> str:
    request = FakeRequest(peer, FakeHeaders({header: "\n".join(values)} if values else {}))
    return AddressResolver(proxies, header, hops).resolve(request)


def test_forwarded_header_is_ignored_from_untrusted_peers() -> None:
    assert resolve("203.0.113.5", "198.51.100.1") == "203.0.113.5"
    assert resolve("10.0.0.1", "198.51.100.1", proxies=Networks("")) == "10.0.0.1"


@pytest.mark.parametrize(
    ("values", "client"),
    [
        ([], "10.0.0.1"),
        (["198.51.100.1"], "198.51.100.1"),
        # Entries of the client are to the left of what the proxy appended.
        (["127.0.0.1, 10.1.1.1, 198.51.100.1"], "198.51.100.1"),
        (["6.6.6.6", "198.51.100.1"], "198.51.100.1"),
        (["6.6.6.6, 198.51.100.1, 10.0.0.9"], "198.51.100.1"),
        # All are proxies: the request started at the first.
        (["10.0.0.8, 10.0.0.9"], "10.0.0.8"),
        # A value that no trusted proxy writes ends the search.
        (["6.6.6.6, unknown"], "10.0.0.1"),
        (["6.6.6.6, 198.51.100.1,"], "198.51.100.1"),
        (["6.6.6.6, , 198.51.100.1 ,, "], "198.51.100.1"),
        ([" , "], "10.0.0.1"),
        (["6.6.6.6, unknown, 10.0.0.9"], "10.0.0.9"),
        (["198.51.100.1:4711"], "198.51.100.1"),
        (["[2001:db8::1]:443"], "2001:db8::1"),
        (["2001:DB8:0:0::1"], "2001:db8::1"),
        (["::ffff:198.51.100.1"], "198.51.100.1"),
        (["203.000.113.001"], "203.0.113.1"),
        (["203.000.113.001:04711"], "203.0.113.1"),
        (["6.6.6.6, 010.001.002.003"], "6.6.6.6"),  # a padded proxy
        (['"198.51.100.1"'], "198.51.100.1"),
    ],
)
def test_x_forwarded_for_yields_the_last_untrusted_hop(values: list[str], client: str) -> None:
    assert resolve("10.0.0.1", *values) == client


@pytest.mark.parametrize(
    ("values", "client"),
    [
        (["for=198.51.100.1;proto=https"], "198.51.100.1"),
        (['proto=https; For="[2001:db8::1]:443"'], "2001:db8::1"),
        (["for=6.6.6.6, for=198.51.100.1, for=10.0.0.9;by=10.0.0.1"], "198.51.100.1"),
        # A quote that the client left open hides nothing.
        (['for="6.6.6.6, for=198.51.100.1'], "198.51.100.1"),
        (["for=6.6.6.6, proto=https"], "10.0.0.1"),
        (["for=6.6.6.6, for=_hidden"], "10.0.0.1"),
    ],
)
def test_forwarded_yields_the_last_untrusted_hop(values: list[str], client: str) -> None:
    assert resolve("10.0.0.1", *values, header="Forwarded") == client


@pytest.mark.parametrize("header", ["CF-Connecting-IP", "X-Real-IP", "True-Client-IP"])
def test_header_with_a_single_address_yields_it(header: str) -> None:
    assert resolve("10.0.0.1", "198.51.100.1", header=header) == "198.51.100.1"
    assert resolve("203.0.113.5", "198.51.100.1", header=header) == "203.0.113.5"


@pytest.mark.parametrize(
    ("hops", "client"),
    [(0, "203.0.113.9"), (1, "192.0.2.2"), (2, "192.0.2.1"), (3, "6.6.6.6"), (9, "6.6.6.6")],
)
def test_trusted_hops_yield_the_address_at_their_distance(hops: int, client: str) -> None:
    header = "6.6.6.6, 192.0.2.1, 192.0.2.2"
    assert resolve("203.0.113.9", header, proxies=Networks(""), hops=hops) == client


def test_trusted_hops_and_networks_add_up() -> None:
    assert resolve("203.0.113.9", "6.6.6.6, 192.0.2.1, 10.0.0.9", hops=1) == "192.0.2.1"


@pytest.mark.parametrize(
    ("peer", "value", "event"),
    [
        ("10.0.0.1", "unknown", "forwarded_address_not_read"),
        ("10.0.0.1", "unix:", "forwarded_address_not_read"),
        ("203.0.113.5", "198.51.100.1", "forwarded_header_not_trusted"),
    ],
)
def test_header_that_yields_no_client_is_logged_once(peer: str, value: str, event: str) -> None:
    resolver = AddressResolver(PROXIES, "X-Forwarded-For")
    with capture_logs() as logs:
        for _ in range(2):
            resolver.resolve(FakeRequest(peer, FakeHeaders({"X-Forwarded-For": value})))
    assert [entry["event"] for entry in logs] == [event]


def test_only_the_configured_header_is_read() -> None:
    headers = {"Forwarded": "for=6.6.6.6", "X-Forwarded-For": "198.51.100.1"}
    both = FakeRequest("10.0.0.1", FakeHeaders(headers))
    assert AddressResolver(PROXIES, "X-Forwarded-For").resolve(both) == "198.51.100.1"
    assert AddressResolver(PROXIES, "Forwarded").resolve(both) == "6.6.6.6"


def test_trusted_proxy_may_use_ipv6() -> None:
    assert resolve("2001:db8:ffff::7", "198.51.100.1") == "198.51.100.1"
    assert resolve("::ffff:10.0.0.1", "198.51.100.1") == "198.51.100.1"


def test_unix_socket_has_no_address() -> None:
    assert resolve("") == ""


def test_client_network_is_an_ipv4_address_or_an_ipv6_64() -> None:
    assert client_network("198.51.100.1") == "198.51.100.1"
    assert client_network("2001:db8::1") == client_network("2001:db8::ffff:1") == "2001:db8::/64"
    assert client_network("2001:db8:0:1::1") != client_network("2001:db8::1")
    assert client_network("") == ""


def test_normalize_address_returns_empty_for_invalid_text() -> None:
    for text in ("", "unknown", "1.2.3", "1.2.3.4.5", "[::1", "1.2.3.4:", "x" * 5000):
        assert normalize_address(text) == ""


@pytest.mark.parametrize("text", ["300.1.1.1", "10.0.0.0/40", "example.com", "1.2.3.4;5.6.7.8"])
def test_networks_error_names_the_invalid_entry(text: str) -> None:
    with pytest.raises(ValueError, match="is not a network; write"):
        Networks(text)


def test_networks_contain_addresses_of_their_family() -> None:
    networks = Networks("192.0.2.0/24, 2001:db8::/32,")
    assert "192.0.2.255" in networks
    assert "2001:db8:1::1" in networks
    assert "192.0.3.0" not in networks
    assert "" not in networks
    assert "192.0.2.1" not in Networks("")
