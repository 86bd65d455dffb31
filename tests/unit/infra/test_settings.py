"""Secrets from files, and settings without effect."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import ValidationError

from mostread.cli.config import config
from mostread.collector.config import CollectorSettings
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.http.config import ServiceSettings
from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.settings import variable
from mostread.ops.effective_settings import MASK, SERVICES
from tests.support.tls.certificates import Authority

CANARY = "canary-in-a-file"
SECRETS = sorted({name for each in SERVICES.values() for name in each.secret_names()})
# Settings that each secret requires.
BESIDE = {
    "kafka_password": {
        "MOSTREAD_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "MOSTREAD_KAFKA_USERNAME": "somebody",
    }
}


def file_with(directory: Path, text: bytes) -> str:
    file = directory / "secret"
    file.write_bytes(text)
    return str(file)


def test_secret_names_are_the_secret_fields() -> None:
    assert SECRETS == [
        "articles_token",
        "canary_token",
        "clickhouse_password",
        "collector_session_secret",
        "collector_visitor_secret",
        "kafka_password",
        "notify_smtp_password",
        "notify_token",
        "ranking_proxy_secret",
        "ranking_session_secret",
    ]


@pytest.mark.parametrize("name", SECRETS)
def test_secret_from_file_is_read_and_never_printed(name: str, tmp_path: Path) -> None:
    secret = CANARY.ljust(40, "x")
    file = file_with(tmp_path, f"{secret}\n".encode())
    environment = {f"{variable(name)}_FILE": file, **BESIDE.get(name, {})}
    with pytest.MonkeyPatch.context() as patch:
        for key, value in environment.items():
            patch.setenv(key, value)
        (settings,) = [each() for each in SERVICES.values() if name in each.model_fields][:1]
    assert getattr(settings, name).get_secret_value() == secret
    assert CANARY not in f"{settings!r} {settings} {settings.model_dump()}"
    shown = CliRunner(env=environment).invoke(config, catch_exceptions=False)
    assert f"# read from {file}\n{variable(name)}={MASK}\n" in shown.stdout
    assert shown.stderr == ""
    assert CANARY not in shown.output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "is empty; write the secret into it"),
        (b"\n", "is empty; write the secret into it"),
        (b"canary-one\ncanary-two\n", "holds more than one line; write only the secret"),
        (b"canary\xff", "is not text in UTF-8"),
    ],
)
def test_secret_file_with_invalid_content_is_error(
    text: bytes, message: str, tmp_path: Path
) -> None:
    ran = run("config", MOSTREAD_CLICKHOUSE_PASSWORD_FILE=file_with(tmp_path, text))
    assert ran.returncode == 2
    start = f"mostread: MOSTREAD_CLICKHOUSE_PASSWORD_FILE: {tmp_path / 'secret'} "
    assert ran.stderr == f"{start}{message}\n"


def test_secret_file_that_cannot_be_read_is_error(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none", "No such file"), (tmp_path, "Is a directory")):
        ran = run("config", MOSTREAD_CLICKHOUSE_PASSWORD_FILE=str(path))
        assert ran.returncode == 2
        assert f"_PASSWORD_FILE: {path} cannot be read ({why}" in ran.stderr


def test_secret_given_by_value_and_file_is_error(tmp_path: Path) -> None:
    file = file_with(tmp_path, CANARY.encode())
    names = {"MOSTREAD_CLICKHOUSE_PASSWORD": CANARY, "MOSTREAD_CLICKHOUSE_PASSWORD_FILE": file}
    ran = run("config", **names)
    assert ran.returncode == 2
    assert ran.stderr == (
        "mostread: MOSTREAD_CLICKHOUSE_PASSWORD and MOSTREAD_CLICKHOUSE_PASSWORD_FILE are both "
        "set; keep one of them\n"
    )
    # As the env file of a container leaves them.
    assert run("config", **names | {"MOSTREAD_CLICKHOUSE_PASSWORD": ""}).returncode == 0


def test_rejected_secret_is_not_printed() -> None:
    with pytest.raises(ValidationError) as refused:
        CollectorSettings.model_validate({"collector_visitor_secret": CANARY})
    assert "too short" in str(refused.value)
    assert CANARY not in f"{refused.value} {refused.value!r}"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kafka_ca_file": "ca.pem"}, "MOSTREAD_KAFKA_CA_FILE has no effect"),
        ({"kafka_password": CANARY}, "MOSTREAD_KAFKA_USERNAME and _PASSWORD have no effect"),
        (
            {"kafka_security_protocol": "SASL_SSL", "kafka_username": "a"},
            "SASL_SSL needs MOSTREAD_KAFKA_USERNAME and _PASSWORD",
        ),
        ({"kafka_brokers": f"a:{CANARY}@host:9092"}, "an address may not contain a user"),
        ({"kafka_security_protocol": "ssl"}, "Input should be 'PLAINTEXT', 'SSL'"),
    ],
)
def test_contradicting_kafka_settings_are_rejected(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        KafkaSettings.model_validate(settings)
    assert message in str(refused.value)
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"clickhouse_ca_file": "ca.pem"}, "MOSTREAD_CLICKHOUSE_CA_FILE has no effect"),
        ({"clickhouse_url": f"https://a:{CANARY}@host:8443"}, "the address may not contain a user"),
    ],
)
def test_contradicting_clickhouse_settings_are_rejected(
    settings: dict[str, str], message: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        ClickHouseSettings.model_validate(settings)
    assert message in str(refused.value)
    assert CANARY not in str(refused.value)


def test_certificate_files_are_checked_at_start(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    certificate = authority.sign("client")
    no_certificate = file_with(tmp_path, b"no certificate")
    without_key = tmp_path / "without-key.pem"
    without_key.write_bytes(authority.file.read_bytes())

    def refused(**settings: str) -> str:
        with pytest.raises(ValidationError) as error:
            ClickHouseSettings.model_validate({"clickhouse_url": "https://host", **settings})
        return str(error.value)

    assert "_CA_FILE: /nowhere cannot be read (No such" in refused(clickhouse_ca_file="/nowhere")
    assert "does not contain a certificate (PEM)" in refused(clickhouse_ca_file=no_certificate)
    assert "_KEY_FILE has no effect without" in refused(clickhouse_key_file=str(certificate))
    assert "_CERT_FILE: /nowhere cannot be read" in refused(clickhouse_cert_file="/nowhere")
    assert "does not contain a certificate with an unencrypted key" in refused(
        clickhouse_cert_file=str(without_key)
    )
    context = ClickHouseSettings(
        clickhouse_url="https://host",
        clickhouse_ca_file=str(authority.file),
        clickhouse_cert_file=str(certificate),
    ).clickhouse_tls.context()
    assert context.check_hostname
    assert len(context.get_ca_certs()) == 1  # and none of the system's


def test_service_needs_a_certificate_with_its_unencrypted_key(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    certificate, other = str(authority.sign("one")), str(authority.sign("other"))
    key = load_pem_private_key(Path(certificate).read_bytes(), None)
    encryption = BestAvailableEncryption(b"a pass phrase")
    encrypted = file_with(
        tmp_path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    )

    def refused(certificate: str, key: str) -> str:
        with pytest.raises(ValidationError) as error:
            ServiceSettings(http_cert_file=certificate, http_key_file=key)
        return str(error.value)

    assert "set both MOSTREAD_HTTP_CERT_FILE and" in refused(certificate, "")
    assert "/nowhere cannot be read (No such" in refused(certificate, "/nowhere")
    for unusable in (other, encrypted):
        assert "MOSTREAD_HTTP_CERT_FILE, _KEY_FILE: " in refused(certificate, unusable)
        assert "with an unencrypted key that belongs to it" in refused(certificate, unusable)
    assert ServiceSettings(http_cert_file=certificate, http_key_file=certificate).http_key_file


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process, for its exit code and output."""
    return subprocess.run(
        [sys.executable, "-m", "mostread", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
