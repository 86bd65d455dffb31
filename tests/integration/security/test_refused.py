"""What is wrong is said with the setting to change, at once and on /readyz; no secret is told."""

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
    """What one would trust who believed another authority."""
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
def test_each_mechanism_lets_a_user_in(secured: Secured, mechanism: str) -> None:
    with topics.admin(kafka_settings(secured, kafka_sasl_mechanism=mechanism)) as client:
        assert client.list_topics()


@pytest.mark.parametrize(
    ("different", "said"),
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
        ({"kafka_brokers": "{clickhouse_host}"}, "not of Kafka's protocol"),
        ({"kafka_brokers": "localhost"}, "not in the form host:port"),
    ],
)
def test_kafka_does_not_let_us_in(
    secured: Secured, stranger: Path, different: Mapping[str, str], said: str
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
    assert said in str(refused.value)
    assert CANARY not in str(refused.value)
    assert "localhost" in str(refused.value) or "127.0.0.1" in str(refused.value)


def test_one_broker_of_several_that_lets_us_in_is_enough(secured: Secured) -> None:
    brokers = f"{secured.kafka.expired},{secured.kafka.users}"
    assert diagnose(kafka_settings(secured, kafka_brokers=brokers)) is None


def test_plain_words_to_brokers_that_speak_tls(secured: Secured) -> None:
    settings = kafka_settings(secured, kafka_security_protocol="PLAINTEXT", **NO_TLS, **NO_USER)
    assert "the broker requires TLS" in (diagnose(settings) or "")


def test_a_service_that_is_not_let_in_says_so_and_goes_on_trying(
    secured: Secured, stranger: Path
) -> None:
    """All at once: each waits for its server, and none ends."""
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
    for service, said in cases:
        wait_until(
            lambda service=service, said=said: said in service.failing(),  # type: ignore[misc]
            f"{service.name} says {said!r}; /readyz: {service.failing()}",
        )
        assert CANARY not in service.failing()
    for service, _ in cases:
        service.stop()
        assert CANARY not in service.log.read_text()


@pytest.mark.parametrize(
    ("user", "environment", "said"),
    [
        ("collector", {}, "mostread-collector may not"),
        ("init", {"MOSTREAD_CLICKHOUSE_USER": "mostread_ranking"}, "MOSTREAD_CLICKHOUSE_USER"),
        ("init", {"MOSTREAD_KAFKA_PASSWORD_FILE": "/nowhere"}, "/nowhere cannot be read"),
        ("init", {"MOSTREAD_KAFKA_PASSWORD": f"{CANARY}twice"}, "are both set; keep one of them"),
    ],
)
def test_a_command_that_is_not_let_in_says_so_in_one_line(
    secured: Secured, user: str, environment: dict[str, str], said: str
) -> None:
    settings = {**secured.environment("init"), **secured.environment(user), **environment}
    done = secured.run("init", "init", **settings)
    assert done.returncode != 0
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert CANARY not in done.stdout + done.stderr


def test_passwords_of_the_environment_work_as_well(secured: Secured) -> None:
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


def test_the_engine_understands_every_grant(secured: Secured) -> None:
    client = connect(secured.all_rights())
    passwords = dict.fromkeys(("init", "aggregator", "ranking", "operator"), "ab" * 32)
    kinds = {
        client.query(f"EXPLAIN AST {statement}", parameters=passwords).result_rows[0][0].split()[0]
        for statement in statements(GRANTS.read_text())
    }
    client.close()
    assert kinds == {"CreateUserQuery", "GrantQuery"}


def test_granting_needs_to_know_where() -> None:
    done = subprocess.run([str(ACLS)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "deploy/kafka/acls.sh --bootstrap-server" in done.stderr
