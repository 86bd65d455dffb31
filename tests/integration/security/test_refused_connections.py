"""Refused connections: the error names the setting to change, and never a secret."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from mostread.errors import Misconfigured
from mostread.infra.clickhouse.client import connect
from mostread.infra.kafka import topics
from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.kafka.diagnostics import diagnose
from tests.support.servers import free_ports
from tests.support.system import Service, wait_until
from tests.support.tls.certificates import Authority
from tests.support.tls.secure_clickhouse import statements
from tests.support.tls.secured import (
    ACLS,
    CANARY,
    GRANTS,
    Secured,
    clickhouse_passwords,
    kafka_passwords,
)


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The CA file of another authority."""
    return Authority(tmp_path_factory.mktemp("authority") / "other").file


NO_USER = {"kafka_username": "", "kafka_password": ""}
NO_TLS = {"kafka_ca_file": ""}


def kafka_settings(secured: Secured, **different: str) -> KafkaSettings:
    usual = {
        "kafka_brokers": secured.kafka.users,
        "kafka_security_protocol": "SASL_SSL",
        "kafka_ca_file": str(secured.authority.file),
        "kafka_username": "mostread-init",
        "kafka_password": kafka_passwords()["mostread-init"],
    }
    return KafkaSettings.model_validate({**usual, **different})


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"])
def test_every_sasl_mechanism_authenticates(secured: Secured, mechanism: str) -> None:
    with topics.admin(kafka_settings(secured, kafka_sasl_mechanism=mechanism)) as client:
        assert client.list_topics()


@pytest.mark.parametrize(
    ("different", "message"),
    [
        ({"kafka_password": f"{CANARY}wrong"}, "MOSTREAD_KAFKA_PASSWORD"),
        ({"kafka_username": "somebody"}, "MOSTREAD_KAFKA_USERNAME"),
        (
            {"kafka_password": f"{CANARY}wrong", "kafka_sasl_mechanism": "PLAIN"},
            "MOSTREAD_KAFKA_PASSWORD",
        ),
        ({"kafka_ca_file": "{stranger}"}, "set MOSTREAD_KAFKA_CA_FILE to the CA"),
        ({"kafka_brokers": "{kafka.users_by_address}"}, "set MOSTREAD_KAFKA_BROKERS to its name"),
        ({"kafka_brokers": "{kafka.expired}"}, "has expired; renew it"),
        (
            {"kafka_security_protocol": "SSL", **NO_USER},
            "set MOSTREAD_KAFKA_SECURITY_PROTOCOL=SASL_SSL",
        ),
        ({"kafka_security_protocol": "SASL_PLAINTEXT", **NO_TLS}, "the broker requires TLS"),
        ({"kafka_brokers": "{kafka.brokers}"}, "does not speak TLS on this port"),
        (
            {"kafka_brokers": "{kafka.certificates}", "kafka_security_protocol": "SSL", **NO_USER},
            "MOSTREAD_KAFKA_CERT_FILE",
        ),
        (
            {"kafka_brokers": "{kafka.certificates}", "kafka_cert_file": "{mine}"},
            "the broker does not use SASL; set MOSTREAD_KAFKA_SECURITY_PROTOCOL=SSL",
        ),
        ({"kafka_brokers": "{clickhouse_host}"}, "is not Kafka's protocol"),
        ({"kafka_brokers": "localhost"}, "not in the form host:port"),
    ],
)
def test_refused_kafka_connection_names_setting_to_change(
    secured: Secured, stranger: Path, different: Mapping[str, str], message: str
) -> None:
    named = {
        "kafka": secured.kafka,
        "stranger": stranger,
        "mine": secured.authority.sign("client", common_name="mostread-init"),
        "clickhouse_host": secured.clickhouse.url.removeprefix("https://"),
    }
    settings = {name: value.format(**named) for name, value in different.items()}
    with pytest.raises(Misconfigured) as refused, topics.admin(kafka_settings(secured, **settings)):
        pass
    assert message in str(refused.value)
    assert CANARY not in str(refused.value)
    assert "localhost" in str(refused.value) or "127.0.0.1" in str(refused.value)


def test_diagnose_accepts_one_working_broker_of_several(secured: Secured) -> None:
    brokers = f"{secured.kafka.expired},{secured.kafka.users}"
    assert diagnose(kafka_settings(secured, kafka_brokers=brokers)) is None


def test_diagnose_detects_tls_brokers_behind_plaintext_settings(secured: Secured) -> None:
    settings = kafka_settings(secured, kafka_security_protocol="PLAINTEXT", **NO_TLS, **NO_USER)
    assert "the broker requires TLS" in (diagnose(settings) or "")


def test_refused_service_reports_reason_on_readyz_and_retries(
    secured: Secured, stranger: Path
) -> None:
    """All services at once: each waits for its server, and none exits."""
    wrong = secured.secret("wrong", f"{CANARY}wrong")
    (nowhere,) = free_ports(1)
    cases: list[tuple[Service, str]] = [
        (
            secured.service("collector", MOSTREAD_KAFKA_PASSWORD_FILE=wrong),
            "the user or the password is wrong; check MOSTREAD_KAFKA_USERNAME",
        ),
        (
            secured.service("collector", user="nobody"),
            "Kafka: mostread-nobody may not WRITE the topic engagement.events; deploy/kafka/acls",
        ),
        (
            secured.service("aggregator", MOSTREAD_KAFKA_CA_FILE=str(stranger)),
            "set MOSTREAD_KAFKA_CA_FILE to the CA that did",
        ),
        (
            secured.service("aggregator", MOSTREAD_AGGREGATOR_GROUP="another"),
            "mostread-aggregator may not READ the consumer group another; deploy/kafka/acls.sh",
        ),
        (
            secured.service("ranking", MOSTREAD_CLICKHOUSE_PASSWORD_FILE=wrong),
            "the user or password is wrong; check MOSTREAD_CLICKHOUSE_USER and",
        ),
        (
            secured.service("ranking", MOSTREAD_CLICKHOUSE_CA_FILE=str(stranger)),
            "set MOSTREAD_CLICKHOUSE_CA_FILE to the CA that did",
        ),
        (
            secured.service("ranking", MOSTREAD_CLICKHOUSE_URL=secured.clickhouse.url_by_address),
            "set MOSTREAD_CLICKHOUSE_URL to its name",
        ),
        (
            secured.service("ranking", MOSTREAD_CLICKHOUSE_URL=secured.clickhouse.expired),
            "the certificate has expired",
        ),
        (
            secured.service(
                "aggregator",
                MOSTREAD_CLICKHOUSE_USER="mostread_ranking",
                MOSTREAD_CLICKHOUSE_PASSWORD_FILE=secured.secret("mostread_ranking"),
            ),
            "the user lacks a right; deploy/clickhouse/grants.sql",
        ),
        (
            secured.service("ranking", MOSTREAD_CLICKHOUSE_URL=f"https://localhost:{nowhere}"),
            "ClickHouse does not answer",
        ),
    ]
    for service, message in cases:
        wait_until(
            lambda service=service, message=message: message in service.failing(),  # type: ignore[misc]
            f"{service.name} says {message!r}; /readyz: {service.failing()}",
        )
        assert CANARY not in service.failing()
    for service, _ in cases:
        service.stop()
        assert CANARY not in service.log.read_text()


@pytest.mark.parametrize(
    ("user", "environment", "message"),
    [
        ("collector", {}, "mostread-collector may not"),
        ("init", {"MOSTREAD_CLICKHOUSE_USER": "mostread_ranking"}, "MOSTREAD_CLICKHOUSE_USER"),
        ("init", {"MOSTREAD_KAFKA_PASSWORD_FILE": "/nowhere"}, "/nowhere cannot be read"),
        ("init", {"MOSTREAD_KAFKA_PASSWORD": f"{CANARY}twice"}, "are both set; keep one of them"),
    ],
)
def test_refused_command_fails_with_one_line(
    secured: Secured, user: str, environment: dict[str, str], message: str
) -> None:
    settings = {**secured.environment("init"), **secured.environment(user), **environment}
    done = secured.run("init", "init", **settings)
    assert done.returncode != 0
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert CANARY not in done.stdout + done.stderr


def test_init_accepts_passwords_from_environment(secured: Secured) -> None:
    done = secured.run(
        "init",
        "init",
        MOSTREAD_KAFKA_PASSWORD_FILE="",
        MOSTREAD_KAFKA_PASSWORD=kafka_passwords()["mostread-init"],
        MOSTREAD_CLICKHOUSE_PASSWORD_FILE="",
        MOSTREAD_CLICKHOUSE_PASSWORD=clickhouse_passwords()["mostread_init"],
    )
    assert done.returncode == 0, done.stderr
    assert CANARY not in done.stdout + done.stderr


def test_engine_accepts_every_grant(secured: Secured) -> None:
    client = connect(secured.all_rights())
    passwords = dict.fromkeys(("init", "aggregator", "ranking", "analyst", "operator"), "ab" * 32)
    kinds = {
        client.query(f"EXPLAIN AST {statement}", parameters=passwords).result_rows[0][0].split()[0]
        for statement in statements(GRANTS.read_text())
    }
    client.close()
    assert kinds == {"CreateSettingsProfileQuery", "CreateUserQuery", "GrantQuery"}


def test_acls_script_without_server_prints_usage() -> None:
    done = subprocess.run([str(ACLS)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "deploy/kafka/acls.sh --bootstrap-server" in done.stderr
