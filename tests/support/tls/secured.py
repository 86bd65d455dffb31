"""mostread on servers with TLS and users, with every secret in a file."""

import os
import subprocess
import sys
from pathlib import Path

from pydantic import SecretStr

from mostread.infra.clickhouse.config import ClickHouseSettings
from tests.support.system import Service
from tests.support.tls.certificates import Authority
from tests.support.tls.secure_clickhouse import EVERYTHING, SecureClickHouse
from tests.support.tls.secure_kafka import SecureKafka

ROOT = Path(__file__).parents[3]
ACLS = ROOT / "deploy/kafka/acls.sh"
GRANTS = ROOT / "deploy/clickhouse/grants.sql"
KAFKA_USERS = ("init", "collector", "aggregator", "operator", "nobody")
CLICKHOUSE_USERS = ("init", "aggregator", "ranking", "analyst", "operator", EVERYTHING)
CANARY = "canary-of-"


class Secured:
    """Runs mostread's commands and services on both servers, as one of their users.

    Every secret begins with CANARY, so that a test finds it in `outputs`.
    """

    def __init__(
        self,
        kafka: SecureKafka,
        clickhouse: SecureClickHouse,
        authority: Authority,
        directory: Path,
    ) -> None:
        self.kafka, self.clickhouse, self.authority = kafka, clickhouse, authority
        self.services: list[Service] = []
        self._outputs: list[str] = []
        self._directory = directory
        for name, text in {**kafka_passwords(), **clickhouse_passwords()}.items():
            (directory / name).write_text(f"{text}\n")
        (directory / "visitors").write_text(f"{CANARY}visitors".ljust(40, "v"))

    def environment(self, user: str) -> dict[str, str]:
        """Return the settings of `user` on both; its secrets are in files."""
        named = {
            "MOSTREAD_KAFKA_BROKERS": self.kafka.users,
            "MOSTREAD_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "MOSTREAD_KAFKA_CA_FILE": str(self.authority.file),
            "MOSTREAD_KAFKA_USERNAME": f"mostread-{user}",
            "MOSTREAD_KAFKA_PASSWORD_FILE": self.secret(f"mostread-{user}"),
            "MOSTREAD_CLICKHOUSE_URL": self.clickhouse.url,
            "MOSTREAD_CLICKHOUSE_CA_FILE": str(self.authority.file),
            "MOSTREAD_CLICKHOUSE_USER": f"mostread_{user}",
            "MOSTREAD_CLICKHOUSE_PASSWORD_FILE": self.secret(f"mostread_{user}"),
            "MOSTREAD_COLLECTOR_VISITOR_SECRET_FILE": self.secret("visitors"),
            "MOSTREAD_AGGREGATOR_SESSION_TIMEOUT_SECONDS": "6",
        }
        # A user of only one server gets no settings of the other.
        return {
            name: value
            for name, value in named.items()
            if not name.endswith("PASSWORD_FILE") or Path(value).exists()
        }

    def all_rights(self) -> ClickHouseSettings:
        """Return the settings of a ClickHouse user with all rights."""
        return ClickHouseSettings(
            clickhouse_url=self.clickhouse.url,
            clickhouse_ca_file=str(self.authority.file),
            clickhouse_user=EVERYTHING,
            clickhouse_password=SecretStr(clickhouse_passwords()[EVERYTHING]),
        )

    def secret(self, name: str, text: str = "") -> str:
        """Return the file of a secret; write it if `text` is given."""
        file = self._directory / name
        if text:
            file.write_text(text)
        return str(file)

    def service(self, name: str, user: str | None = None, **environment: str) -> Service:
        """Start a service, by default as the user of the same name."""
        settings = {**self.environment(user or name), **environment}
        settings = {key: value for key, value in settings.items() if value}
        service = Service(name, settings, self._directory)
        self.services.append(service)
        return service.start()

    def run(
        self, user: str, *arguments: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as a user; an empty value removes a setting."""
        settings = {**self.environment(user), **environment}
        result = subprocess.run(
            [sys.executable, "-m", "mostread", *arguments],
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith("MOSTREAD_")},
                **{key: value for key, value in settings.items() if value},
            },
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        self._outputs.append(result.stdout + result.stderr)
        return result

    def outputs(self) -> str:
        """Return the output of all commands and services."""
        return "".join([*self._outputs, *(service.log.read_text() for service in self.services)])

    def end(self) -> None:
        for service in self.services:
            if service.running():
                service.stop()


def kafka_passwords() -> dict[str, str]:
    return {f"mostread-{user}": f"{CANARY}kafka-{user}" for user in KAFKA_USERS}


def clickhouse_passwords() -> dict[str, str]:
    users = {f"mostread_{user}" if user != EVERYTHING else user for user in CLICKHOUSE_USERS}
    return {user: f"{CANARY}clickhouse-{user}" for user in users}
