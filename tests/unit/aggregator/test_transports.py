"""The fast transport is used only with the versions that it was proven with."""

from importlib.metadata import version

import pytest

from mostread.aggregator.stream.fast_transport import FastTransport
from mostread.aggregator.stream.stock_transport import StockTransport
from mostread.aggregator.stream.transports import choose_transport
from mostread.errors import Misconfigured


@pytest.fixture(params=["faust-streaming", "aiokafka"])
def other_version(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name: str = request.param
    monkeypatch.setattr(
        "mostread.aggregator.stream.transports.version",
        lambda each: "99.1" if each == name else version(each),
    )
    return name


def test_installed_versions_are_proven() -> None:
    assert choose_transport("auto") is FastTransport
    assert choose_transport("fast") is FastTransport


def test_stock_transport_is_used_if_set() -> None:
    assert choose_transport("stock") is StockTransport


def test_other_version_uses_stock_transport(other_version: str) -> None:
    assert choose_transport("auto") is StockTransport
    assert choose_transport("stock") is StockTransport


def test_fast_transport_is_refused_with_other_version(other_version: str) -> None:
    with pytest.raises(Misconfigured, match=f"{other_version} 99.1 is installed"):
        choose_transport("fast")
