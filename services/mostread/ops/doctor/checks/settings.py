"""Are the settings ones that exist, that may be, and that go together?"""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import pydantic

from mostread.aggregator.config import AggregatorSettings
from mostread.collector.config import CollectorSettings
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.kafka.config import KafkaSettings
from mostread.ops.doctor.findings import Finding, ok, problem, warning
from mostread.ops.effective_settings import SERVICES, unknown_variables
from mostread.ops.inspection.clients import Way
from mostread.ranking.config import RankingSettings

_HERE = {"127.0.0.1", "::1", "localhost"}


def settings(way: Way) -> Iterator[Finding]:
    """The environment as it is here; that of a service elsewhere is another."""
    findings = [*_unknown(), *(refused := list(_refused()))]
    if not refused:
        findings += _public(way.settings(CollectorSettings))
        findings += _together(way)
    yield from findings
    if not findings:
        yield ok("all settings exist, are allowed, and go together")


def _unknown() -> Iterator[Finding]:
    for sentence in unknown_variables():
        yield warning(sentence, "What it was to say is not in effect: correct it or remove it.")


def _refused() -> Iterator[Finding]:
    said = set()
    for kind in SERVICES.values():
        try:
            kind()
        except pydantic.ValidationError as error:
            for each in error.errors():
                name = ".".join(str(part) for part in each["loc"]).upper()
                where = f"MOSTREAD_{name}: " if name else ""
                said.add(f"{where}{each['msg'].removeprefix('Value error, ')}")
    for sentence in sorted(said):
        yield problem(
            sentence, "No service that reads it starts with it; `mostread config` tells what it is."
        )


def _public(collector: CollectorSettings) -> Iterator[Finding]:
    """What concerns readers and those who would count as many."""
    # Where nothing is said of a collector, as beside an aggregator, its secret is elsewhere.
    told = any(name.startswith("MOSTREAD_COLLECTOR_") for name in os.environ)
    if told and not collector.collector_visitor_secret.get_secret_value():
        yield warning(
            "MOSTREAD_COLLECTOR_VISITOR_SECRET is not set: each start of a collector makes its "
            "own, and a reader who reloads a page after it counts again",
            "Set it to what `openssl rand -hex 32` says, the same for all collectors.",
        )
    for network in collector.collector_trusted_proxies.split(","):
        if network.strip().endswith("/0"):
            yield problem(
                f"MOSTREAD_COLLECTOR_TRUSTED_PROXIES has {network.strip()}: whoever sends an event "
                "may choose the address it comes from",
                "Name the networks of your proxies only.",
            )
    if not (
        collector.collector_rate_limit_per_address_hour
        and collector.collector_rate_limit_per_visitor_hour
    ):
        yield warning(
            "a rate limit is switched off (0): one client can push an article up the list",
            "Set MOSTREAD_COLLECTOR_RATE_LIMIT_PER_ADDRESS_HOUR and _VISITOR_EVENTS_PER_HOUR, and "
            "exempt who needs it by MOSTREAD_COLLECTOR_RATE_LIMIT_EXEMPT_NETWORKS.",
        )
    tokens = collector.collector_tokens_file
    if tokens and not os.access(tokens, os.R_OK):
        yield problem(
            f"MOSTREAD_COLLECTOR_TOKENS_FILE={tokens} cannot be read here",
            "The collector does not start without it: `mostread token create` makes it, and its "
            "owner has to be who runs the collector.",
        )


def _together(way: Way) -> Iterator[Finding]:
    """What is allowed by itself, and makes no sense beside another."""
    aggregator = way.settings(AggregatorSettings)
    ranking = way.settings(RankingSettings)
    collector = way.settings(CollectorSettings)
    if aggregator.aggregator_flush_interval_seconds >= ranking.ranking_stale_after_seconds:
        yield problem(
            "MOSTREAD_AGGREGATOR_FLUSH_INTERVAL_SECONDS="
            f"{aggregator.aggregator_flush_interval_seconds:g} is not below "
            f"MOSTREAD_RANKING_STALE_AFTER_SECONDS={ranking.ranking_stale_after_seconds:g}: "
            "every list would be marked stale",
            "Write oftener, or call lists stale later.",
        )
    if collector.collector_kafka_liveness_timeout_seconds > collector.collector_ack_timeout_seconds:
        yield warning(
            "MOSTREAD_COLLECTOR_KAFKA_LIVENESS_TIMEOUT_SECONDS is above "
            "MOSTREAD_COLLECTOR_ACK_TIMEOUT_SECONDS: requests time out before the collector "
            "would refuse them",
            "Set it below, so that clients hear at once that Kafka is away.",
        )
    clickhouse = way.settings(ClickHouseSettings)
    url = urlsplit(clickhouse.clickhouse_url)
    if (
        url.scheme == "http"
        and url.hostname not in _HERE
        and clickhouse.clickhouse_password.get_secret_value()
    ):
        yield warning(
            f"the password of ClickHouse goes to {url.hostname} unencrypted",
            "Use https in MOSTREAD_CLICKHOUSE_URL, unless the network between is your own.",
        )
    kafka = way.settings(KafkaSettings)
    if kafka.kafka_security_protocol == "SASL_PLAINTEXT" and kafka.kafka_sasl_mechanism == "PLAIN":
        yield warning(
            "the password of Kafka goes to the brokers unencrypted",
            "Use SASL_SSL, or SCRAM, which does not send it, unless the network is your own.",
        )
