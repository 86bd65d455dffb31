"""`mostread config`."""

import pytest
from click.testing import CliRunner, Result

from mostread.cli.config import config
from mostread.ops.effective_settings import MASK, SERVICES, effective


def run(**environment: str) -> Result:
    return CliRunner(env=environment).invoke(config, catch_exceptions=False)


def test_config_prints_each_setting_once() -> None:
    shown = [line.partition("=")[0] for line in run().stdout.splitlines() if "=" in line[:60]]
    wanted = {
        f"MOSTREAD_{name.upper()}" for each in SERVICES.values() for name in each.model_fields
    }
    assert sorted(name for name in shown if not name.startswith("#")) == sorted(wanted)


def test_config_prints_description_and_services_of_each_setting() -> None:
    for setting in effective():
        assert setting.description.endswith("."), setting.name
    assert "ranking, canary, articles, notify: Minimum level of log lines" in run().stdout


def test_config_prints_the_value_of_the_environment() -> None:
    assert "MOSTREAD_KAFKA_BROKERS=a:1,b:2\n" in run(MOSTREAD_KAFKA_BROKERS="a:1,b:2").stdout


def test_config_prints_objects_as_json() -> None:
    weights = '{"views":2.0,"comments":5.0,"likes":3.0}'
    shown = run(MOSTREAD_RANKING_WEIGHTS='{"views": 2}').stdout
    assert f"MOSTREAD_RANKING_WEIGHTS={weights}\n" in shown


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("MOSTREAD_CLICKHOUSE_PASSWORD", "hunter2"),
        ("MOSTREAD_COLLECTOR_TOKENS", f"cms:cms:{'ab' * 32}"),
    ],
)
def test_config_masks_secrets(name: str, secret: str) -> None:
    shown = run(**{name: secret}).output
    assert f"{name}={MASK}\n" in shown
    assert secret not in shown


def test_config_prints_an_empty_secret_as_empty() -> None:
    assert "MOSTREAD_CLICKHOUSE_PASSWORD=\n" in run().stdout


def test_config_warns_about_unknown_variables() -> None:
    result = run(MOSTREAD_KAFKA_BROKER="a:1")
    assert "MOSTREAD_KAFKA_BROKER is set but is not a setting" in result.stderr
    assert "no such setting" not in run().stderr
