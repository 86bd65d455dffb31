"""A Kafka that cannot be fetched is said plainly, with the way around it."""

from pathlib import Path

import pytest

from mostread.errors import KafkaUnavailable
from mostread.local.kafka_jars import cache_folder, kafka_jars


def test_without_maven_central_the_error_offers_a_kafka_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    # Nobody listens on the discard port of this machine.
    for name in ("https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    said: list[str] = []
    with pytest.raises(KafkaUnavailable, match="MOSTREAD_KAFKA_BROKERS"):
        kafka_jars(said.append)
    assert len(said) == 1
    assert [each.name for each in cache_folder().iterdir() if each.suffix == ".1"] == []


def test_jars_that_are_there_are_not_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "mostread" / "kafka-4.3.1"
    folder.mkdir(parents=True)
    (folder / "b.jar").touch()
    (folder / "a.jar").touch()
    assert kafka_jars(pytest.fail) == [folder / "a.jar", folder / "b.jar"]
