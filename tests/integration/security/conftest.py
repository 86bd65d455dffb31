"""Kafka and ClickHouse as in production: TLS, users, and minimal rights."""

from collections.abc import Iterator

import pytest

from tests.support.tls.certificates import Authority
from tests.support.tls.secure_clickhouse import SecureClickHouse, running_secure_clickhouse
from tests.support.tls.secure_kafka import SecureKafka, running_secure_kafka
from tests.support.tls.secured import ACLS, GRANTS, Secured, clickhouse_passwords, kafka_passwords


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "own")


@pytest.fixture(scope="session")
def secure_kafka(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> Iterator[SecureKafka]:
    data = tmp_path_factory.mktemp("secure-kafka")
    with running_secure_kafka(data, authority, kafka_passwords()) as server:
        server.grant(ACLS)
        yield server


@pytest.fixture(scope="session")
def secure_clickhouse(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> Iterator[SecureClickHouse]:
    data = tmp_path_factory.mktemp("secure-clickhouse")
    passwords = clickhouse_passwords()
    with running_secure_clickhouse(data, authority, passwords, GRANTS.read_text()) as server:
        yield server


@pytest.fixture(scope="session")
def secured(
    secure_kafka: SecureKafka,
    secure_clickhouse: SecureClickHouse,
    authority: Authority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Secured]:
    """Both servers, with topics and tables created by the user of `mostread init`."""
    directory = tmp_path_factory.mktemp("secrets")
    secured = Secured(secure_kafka, secure_clickhouse, authority, directory)
    done = secured.run("init", "init", MOSTREAD_INIT_PARTITIONS="4")
    assert done.returncode == 0, done.stderr
    assert "created topic engagement.events" in done.stdout
    yield secured
    secured.end()
