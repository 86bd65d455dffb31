"""The choice of the transport: the fast one only with the versions that it was proven with."""

from importlib.metadata import version
from typing import Literal

from mostread.aggregator.stream.consumer import CheckpointTransport
from mostread.aggregator.stream.fast_transport import FastTransport
from mostread.aggregator.stream.stock_transport import StockTransport
from mostread.errors import Misconfigured
from mostread.infra.logging import get_logger

log = get_logger(__name__)

PROVEN = {"faust-streaming": "0.15.3", "aiokafka": "0.14.0"}
"""Versions whose private methods the fast transport overrides and uses."""


def choose_transport(setting: Literal["auto", "fast", "stock"]) -> type[CheckpointTransport]:
    """Return the transport to use. Raises Misconfigured if it is `fast` with other versions."""
    others = {name: version(name) for name in PROVEN if version(name) != PROVEN[name]}
    if setting == "fast" and others:
        raise Misconfigured(
            f"the fast transport works with {_listed(PROVEN)}, but {_listed(others)} is "
            "installed; install those versions, or set MOSTREAD_AGGREGATOR_TRANSPORT=auto"
        )
    if setting == "auto" and others:
        log.warning("stock_transport_chosen", installed=others, proven=PROVEN)
    return StockTransport if setting == "stock" or others else FastTransport


def _listed(versions: dict[str, str]) -> str:
    return " and ".join(f"{name} {number}" for name, number in versions.items())
