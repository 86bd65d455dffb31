"""Is there room for more?"""

import shutil
from collections.abc import Iterator
from typing import NamedTuple

from mostread.infra.kafka.config import KafkaSettings
from mostread.ops.doctor.findings import Finding, forbidden, ok, problem, warning
from mostread.ops.inspection.clients import Way

GB = 1_000_000_000


class Room(NamedTuple):
    """A disk of somebody's; sizes in bytes."""

    whose: str
    free: int
    total: int


def disk_of_clickhouse(way: Way) -> Iterator[Finding]:
    """The disks of the server that answers."""
    for name, path, free, total in way.query("disks"):
        yield judge(Room(f"ClickHouse's disk {name} ({path})", free, total))


def disk_of_kafka(way: Way) -> Iterator[Finding]:
    """Each folder of each broker, and what our topics take of it."""
    settings = way.settings(KafkaSettings)
    ours = (settings.events_topic, settings.articles_topic, settings.dead_letters_topic)
    # One that is not there would be an error.
    with way.kafka() as client:
        names = sorted(set(ours) & set(client.list_topics()))
        brokers = client.describe_log_dirs(topic_partitions=names)
    if not any(broker["log_dirs"] for broker in brokers):
        yield forbidden("DESCRIBE on Kafka's cluster")
    for broker in brokers:
        for folder in broker["log_dirs"]:
            size = sum(
                partition["partition_size"]
                for topic in folder["topics"]
                if topic["name"] in ours
                for partition in topic["partitions"]
            )
            whose = f"broker {broker['broker']}, {folder['log_dir']}"
            if folder["error_code"] != 0:
                yield problem(
                    f"{whose} cannot be used (error {folder['error_code']})",
                    "See the broker's log: the disk is broken, full or not mounted.",
                )
            elif folder.get("total_bytes", -1) > 0:
                holding = f"{whose}, with {_size(size)} of our topics"
                yield judge(Room(holding, folder["usable_bytes"], folder["total_bytes"]))
            else:
                yield ok(f"{whose}: {_size(size)} of our topics; it does not say what is free")


def data_folder(way: Way) -> Iterator[Finding]:
    """The folder of the embedded stack, where one runs."""
    if way.data is not None:
        usage = shutil.disk_usage(way.data)
        yield judge(Room(f"the data folder {way.data}", usage.free, usage.total))


def judge(room: Room) -> Finding:
    """Say whether it will do: a tenth free is enough, unless it is the last few GB."""
    share = room.free / room.total
    what = f"{room.whose}: {_size(room.free)} of {_size(room.total)} free"
    advice = (
        "Make room or take a larger disk before it is full: then nothing is written, the "
        "collector answers 503 or counting stands still. Events take it by MOSTREAD_INIT_"
        "RETENTION_DAYS, minutes and hours in ClickHouse by their age."
    )
    if share < 0.03 or room.free < GB / 2:
        return problem(what, advice)
    if share < 0.10 and room.free < 50 * GB:
        return warning(what, advice)
    return ok(what)


def _size(number: int) -> str:
    for unit, size in (("TB", 1000 * GB), ("GB", GB), ("MB", 1_000_000), ("kB", 1000)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number} bytes"
