"""addresses.py: which address counts as the client's, and that nobody can choose it."""

from dataclasses import dataclass, field

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from mostread.collector.pipeline.client_info import Addresses
from mostread.collector.pipeline.ip import Networks, household, normal

PROXIES = Networks("10.0.0.0/8, 2001:db8:ffff::/48")


@dataclass
class Asked:
    remote: str | None
    lines: list[tuple[str, str]] = field(default_factory=list)

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        return CIMultiDictProxy(CIMultiDict(self.lines))


def found(remote: str | None, *values: str, header: str = "X-Forwarded-For") -> str:
    asked = Asked(remote, [(header, value) for value in values])
    return Addresses(PROXIES, header).of(asked)


def test_nobody_but_a_trusted_proxy_is_believed() -> None:
    assert found("203.0.113.5", "198.51.100.1") == "203.0.113.5"
    assert (
        Addresses(Networks(""), "X-Forwarded-For").of(
            Asked("10.0.0.1", [("X-Forwarded-For", "198.51.100.1")])
        )
        == "10.0.0.1"
    )


@pytest.mark.parametrize(
    ("values", "client"),
    [
        ([], "10.0.0.1"),
        (["198.51.100.1"], "198.51.100.1"),
        # What a client wrote itself stands left of what the proxy appended.
        (["127.0.0.1, 10.1.1.1, 198.51.100.1"], "198.51.100.1"),
        (["6.6.6.6", "198.51.100.1"], "198.51.100.1"),
        (["6.6.6.6, 198.51.100.1, 10.0.0.9"], "198.51.100.1"),
        # All of them proxies: the request began at the first.
        (["10.0.0.8, 10.0.0.9"], "10.0.0.8"),
        # What no proxy of ours writes ends the search.
        (["6.6.6.6, unknown"], "10.0.0.1"),
        (["6.6.6.6, "], "10.0.0.1"),
        (["6.6.6.6, unknown, 10.0.0.9"], "10.0.0.9"),
        (["198.51.100.1:4711"], "198.51.100.1"),
        (["[2001:db8::1]:443"], "2001:db8::1"),
        (["2001:DB8:0:0::1"], "2001:db8::1"),
        (["::ffff:198.51.100.1"], "198.51.100.1"),
    ],
)
def test_x_forwarded_for_is_read_from_the_right(values: list[str], client: str) -> None:
    assert found("10.0.0.1", *values) == client


@pytest.mark.parametrize(
    ("values", "client"),
    [
        (["for=198.51.100.1;proto=https"], "198.51.100.1"),
        (['proto=https; For="[2001:db8::1]:443"'], "2001:db8::1"),
        (["for=6.6.6.6, for=198.51.100.1, for=10.0.0.9;by=10.0.0.1"], "198.51.100.1"),
        # A quote that the client left open swallows nothing.
        (['for="6.6.6.6, for=198.51.100.1'], "198.51.100.1"),
        (["for=6.6.6.6, proto=https"], "10.0.0.1"),
        (["for=6.6.6.6, for=_hidden"], "10.0.0.1"),
    ],
)
def test_forwarded_is_read_from_the_right(values: list[str], client: str) -> None:
    assert found("10.0.0.1", *values, header="Forwarded") == client


def test_the_other_header_is_never_read() -> None:
    both = Asked("10.0.0.1", [("Forwarded", "for=6.6.6.6"), ("X-Forwarded-For", "198.51.100.1")])
    assert Addresses(PROXIES, "X-Forwarded-For").of(both) == "198.51.100.1"
    assert Addresses(PROXIES, "Forwarded").of(both) == "6.6.6.6"


def test_a_proxy_may_have_an_ipv6_address() -> None:
    assert found("2001:db8:ffff::7", "198.51.100.1") == "198.51.100.1"
    assert found("::ffff:10.0.0.1", "198.51.100.1") == "198.51.100.1"


def test_a_unix_socket_has_no_address() -> None:
    assert found(None) == ""
    assert found("") == ""


def test_all_addresses_of_a_household_are_one() -> None:
    assert household("198.51.100.1") == "198.51.100.1"
    assert household("2001:db8::1") == household("2001:db8::ffff:1") == "2001:db8::/64"
    assert household("2001:db8:0:1::1") != household("2001:db8::1")
    assert household("") == ""


def test_what_is_no_address_is_none() -> None:
    for text in ("", "unknown", "1.2.3", "1.2.3.4.5", "[::1", "1.2.3.4:", "x" * 5000):
        assert normal(text) == ""


@pytest.mark.parametrize("text", ["300.1.1.1", "10.0.0.0/40", "example.com", "1.2.3.4;5.6.7.8"])
def test_what_is_no_network_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is no network; write"):
        Networks(text)


def test_an_address_is_in_a_network_of_its_own_kind() -> None:
    networks = Networks("192.0.2.0/24, 2001:db8::/32,")
    assert "192.0.2.255" in networks
    assert "2001:db8:1::1" in networks
    assert "192.0.3.0" not in networks
    assert "" not in networks
    assert "192.0.2.1" not in Networks("")
