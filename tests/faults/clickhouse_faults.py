"""Faults of ClickHouse and of the connections to it."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.fault import Fault, Part
from tests.faults.moment import Moment
from tests.faults.proxy import Spring
from tests.faults.rig import SESSION_SECONDS, Mostread

INSERT = rb"INSERT(?:\+|%20| )INTO"
MORE_THAN_THERE_IS = 1 << 60


@contextmanager
def killed_in_an_insert(rig: Mostread, _: random.Random) -> Iterator[None]:
    trap = rig.clickhouse_line.trap(INSERT, Spring.TELL)
    killing = Moment(trap.sprung, rig.clickhouse.kill)
    yield
    if not killing.came():
        rig.missed += 1
        rig.clickhouse.kill()
    rig.clickhouse_line.remove_trap()
    rig.clickhouse.start()


@contextmanager
def away(rig: Mostread, _: random.Random) -> Iterator[None]:
    rig.clickhouse_line.refuse()
    yield
    rig.clickhouse_line.pass_on()


@contextmanager
def silent(rig: Mostread, _: random.Random) -> Iterator[None]:
    rig.clickhouse_line.stall()
    yield
    rig.clickhouse_line.pass_on()


@contextmanager
def slow(rig: Mostread, _: random.Random) -> Iterator[None]:
    rig.clickhouse_line.slow(20_000)
    yield
    rig.clickhouse_line.pass_on()


@contextmanager
def answers_lost(rig: Mostread, chance: random.Random) -> Iterator[None]:
    trap = rig.clickhouse_line.trap(INSERT, Spring.LOSE_ANSWER, chance.randint(1, 4))
    lost = Moment(trap.answered)
    yield
    rig.missed += not lost.came()
    rig.clickhouse_line.remove_trap()


@contextmanager
def inserts_cut(rig: Mostread, chance: random.Random) -> Iterator[None]:
    trap = rig.clickhouse_line.trap(INSERT, Spring.CUT_REQUEST, chance.randint(1, 4))
    cut = Moment(trap.sprung)
    yield
    rig.missed += not cut.came()
    rig.clickhouse_line.remove_trap()


@contextmanager
def disk_full(rig: Mostread, chance: random.Random) -> Iterator[None]:
    """ClickHouse's own refusal to write where too little would be left."""
    table = chance.choice(["counter_versions", "checkpoint_versions"])
    setting = "min_free_disk_bytes_to_perform_insert"
    with rig.direct() as client:
        client.command(f"ALTER TABLE {table} MODIFY SETTING {setting} = {MORE_THAN_THERE_IS}")
    yield
    with rig.direct() as client:
        client.command(f"ALTER TABLE {table} RESET SETTING {setting}")


@contextmanager
def table_missing(rig: Mostread, chance: random.Random) -> Iterator[None]:
    table = chance.choice(["counter_versions", "checkpoint_versions"])
    with rig.direct() as client:
        client.command(f"RENAME TABLE {table} TO {table}_elsewhere")
    yield
    with rig.direct() as client:
        client.command(f"RENAME TABLE {table}_elsewhere TO {table}")


ALONE = frozenset({Part.CLICKHOUSE})
LONGER = (SESSION_SECONDS + 2, SESSION_SECONDS + 9)
FAULTS: list[Fault[Mostread]] = [
    Fault("ClickHouse ends by kill -9 in an insert", ALONE, (2, 5), killed_in_an_insert),
    Fault("ClickHouse is down for longer than a session", ALONE, LONGER, away),
    Fault("ClickHouse is silent for longer than a query may take", ALONE, (11, 14), silent),
    Fault("the way to ClickHouse is slow", ALONE, (4, 12), slow),
    Fault("the answers to inserts are lost", ALONE, (2, 4), answers_lost),
    Fault("inserts are cut in the middle", ALONE, (2, 4), inserts_cut),
    Fault("ClickHouse's disk is full", ALONE, (3, 8), disk_full),
    Fault("a table is missing", ALONE, (3, 8), table_missing),
]
