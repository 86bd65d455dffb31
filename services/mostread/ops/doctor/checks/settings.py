"""Checks that settings exist, are valid, and are consistent with each other."""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import pydantic

from mostread.aggregator.config import AggregatorSettings
from mostread.collector.config import CollectorSettings
from mostread.infra.auth.signing import parse_secrets
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.kafka.config import KafkaSettings
from mostread.ops.doctor.findings import Finding, ok, problem, warning
from mostread.ops.effective_settings import SERVICES, unknown_variables
from mostread.ops.inspection.clients import SystemClients
from mostread.ranking.config import RankingSettings

_LOCAL_HOSTS = {"127.0.0.1", "::1", "localhost"}


def settings(clients: SystemClients) -> Iterator[Finding]:
    """Check the settings in this environment; services elsewhere may have others."""
    invalid = list(_invalid_settings())
    findings = [*_unknown_settings(), *invalid]
    if not invalid:
        findings += _collector_settings(clients.settings(CollectorSettings))
        findings += _inconsistent_settings(clients)
        findings += _unencrypted_passwords(clients)
    yield from findings
    if not findings:
        yield ok("all settings exist, are valid and consistent")


def _unknown_settings() -> Iterator[Finding]:
    for error in unknown_variables():
        yield warning(error, "It has no effect: correct or remove it.")


def _invalid_settings() -> Iterator[Finding]:
    messages = set()
    for settings_class in SERVICES.values():
        try:
            settings_class()
        except pydantic.ValidationError as validation_error:
            for error in validation_error.errors():
                name = ".".join(str(part) for part in error["loc"]).upper()
                prefix = f"MOSTREAD_{name}: " if name else ""
                messages.add(f"{prefix}{error['msg'].removeprefix('Value error, ')}")
    for message in sorted(messages):
        yield problem(
            message, "Services that read it do not start; `mostread config` describes it."
        )


def _collector_settings(collector: CollectorSettings) -> Iterator[Finding]:
    """Check settings that protect readers, and counts against manipulation."""
    # Without collector settings this is not the environment of a collector.
    configured = any(name.startswith("MOSTREAD_COLLECTOR_") for name in os.environ)
    if configured and not collector.collector_visitor_secret.get_secret_value():
        yield warning(
            "MOSTREAD_COLLECTOR_VISITOR_SECRET is not set: each collector generates one at start, "
            "so readers count again after a restart",
            "Set it to the output of `openssl rand -hex 32`, the same for all collectors.",
        )
    yield from _open_networks(
        "MOSTREAD_COLLECTOR_TRUSTED_PROXIES",
        collector.collector_trusted_proxies,
        "any client can forge its address",
    )
    if not (
        collector.collector_rate_limit_per_address_hour
        and collector.collector_rate_limit_per_visitor_hour
    ):
        yield warning(
            "a rate limit is disabled (0): a single client can push an article up the list",
            "Set MOSTREAD_COLLECTOR_RATE_LIMIT_PER_ADDRESS_HOUR and _PER_VISITOR_HOUR, and list "
            "exceptions in MOSTREAD_COLLECTOR_RATE_LIMIT_EXEMPT_NETWORKS.",
        )
    tokens = collector.collector_tokens_file
    if tokens and not os.access(tokens, os.R_OK):
        yield problem(
            f"MOSTREAD_COLLECTOR_TOKENS_FILE={tokens} is not readable here",
            "The collector does not start without it: create it with `mostread token create`, as "
            "the user that runs the collector.",
        )


def _open_networks(name: str, networks: str, effect: str) -> Iterator[Finding]:
    for network in networks.split(","):
        if network.strip().endswith("/0"):
            yield problem(
                f"{name} contains {network.strip()}: {effect}",
                "List only the networks of your proxies.",
            )


def _inconsistent_settings(clients: SystemClients) -> Iterator[Finding]:
    """Check settings that are valid alone but contradict each other."""
    aggregator = clients.settings(AggregatorSettings)
    ranking = clients.settings(RankingSettings)
    collector = clients.settings(CollectorSettings)
    yield from _open_networks(
        "MOSTREAD_RANKING_TRUSTED_PROXIES",
        ranking.ranking_trusted_proxies,
        "any client can sign in as anybody",
    )
    if aggregator.aggregator_flush_interval_seconds >= ranking.ranking_stale_after_seconds:
        yield problem(
            "MOSTREAD_AGGREGATOR_FLUSH_INTERVAL_SECONDS="
            f"{aggregator.aggregator_flush_interval_seconds:g} is not below "
            f"MOSTREAD_RANKING_STALE_AFTER_SECONDS={ranking.ranking_stale_after_seconds:g}: "
            "every list would be stale",
            "Lower the flush interval, or raise the other setting.",
        )
    signing, known = (
        parse_secrets(secret)
        for secret in (ranking.ranking_session_secret, collector.collector_session_secret)
    )
    if ranking.ranking_collector_url and known and signing[0] not in known:
        yield problem(
            "MOSTREAD_COLLECTOR_SESSION_SECRET does not contain the first secret of "
            "MOSTREAD_RANKING_SESSION_SECRET: collectors refuse the decisions of editors",
            "Add it to the collectors first; the first secret signs, all of a list are valid.",
        )
    if collector.collector_kafka_liveness_timeout_seconds > collector.collector_ack_timeout_seconds:
        yield warning(
            "MOSTREAD_COLLECTOR_KAFKA_LIVENESS_TIMEOUT_SECONDS is above "
            "MOSTREAD_COLLECTOR_ACK_TIMEOUT_SECONDS: requests time out before the collector "
            "would refuse them",
            "Lower it, so that clients learn at once that Kafka is unavailable.",
        )


def _unencrypted_passwords(clients: SystemClients) -> Iterator[Finding]:
    clickhouse = clients.settings(ClickHouseSettings)
    url = urlsplit(clickhouse.clickhouse_url)
    if (
        url.scheme == "http"
        and url.hostname not in _LOCAL_HOSTS
        and clickhouse.clickhouse_password.get_secret_value()
    ):
        yield warning(
            f"the ClickHouse password is sent to {url.hostname} unencrypted",
            "Use https in MOSTREAD_CLICKHOUSE_URL, unless the network is private.",
        )
    kafka = clients.settings(KafkaSettings)
    if kafka.kafka_security_protocol == "SASL_PLAINTEXT" and kafka.kafka_sasl_mechanism == "PLAIN":
        yield warning(
            "the Kafka password is sent to the brokers unencrypted",
            "Use SASL_SSL, or SCRAM, which does not send it, unless the network is private.",
        )
