"""Sizes of topics and disks in a broker's answer."""

from typing import Any

from mostread.infra.kafka.log_dirs import LogDir, read_log_dirs


class AdminClient:
    """Answers as kafka-python's client does."""

    def __init__(self, log_dirs: list[dict[str, Any]]) -> None:
        self._log_dirs = log_dirs
        self.asked: list[str] = []

    def list_topics(self) -> list[str]:
        return ["a", "b", "other"]

    def describe_log_dirs(self, topic_partitions: list[str]) -> list[dict[str, Any]]:
        self.asked = topic_partitions
        return [{"broker": 1, "log_dirs": self._log_dirs}]


def described(**fields: Any) -> dict[str, Any]:
    topics = [
        {"name": "a", "partitions": [{"partition_size": 3}, {"partition_size": 4}]},
        {"name": "other", "partitions": [{"partition_size": 100}]},
    ]
    return {"log_dir": "/data", "error_code": 0, "topics": topics, **fields}


def test_log_dir_has_its_disk_and_the_bytes_of_existing_topics() -> None:
    client = AdminClient([described(total_bytes=1000, usable_bytes=0)])
    assert read_log_dirs(client, ("b", "a", "missing")) == [
        LogDir(broker=1, path="/data", error=0, free=0, total=1000, topics={"a": 7})
    ]
    assert client.asked == ["a", "b"]


def test_log_dir_of_a_broker_that_reports_no_disk_has_none() -> None:
    for fields in ({}, {"total_bytes": -1, "usable_bytes": -1}):
        [directory] = read_log_dirs(AdminClient([described(**fields)]), ["a"])
        assert (directory.free, directory.total, directory.topics) == (None, None, {"a": 7})


def test_without_the_right_there_is_no_log_dir() -> None:
    assert read_log_dirs(AdminClient([]), ["a"]) == []
