"""The screen holds what was seen, in whatever width there is."""

from dataclasses import replace

import pytest

from mostread.infra.kafka.reader import OffsetRange
from mostread.ops.status.collect import (
    Away,
    Collector,
    Counted,
    Log,
    Ranked,
    Row,
    Seen,
    Worker,
    Workers,
    as_json,
    rates,
)
from mostread.ops.status.render import blocks, lines
from mostread.ops.terminal import columns

COUNTED = Counted(1_799_999_999_000, False, 900, 880, 12, 5, 3, 70)
RANKED = Ranked(
    "http://127.0.0.1:8080",
    "default",
    "24h",
    "2027-01-15T07:59:59.000Z",
    False,
    (
        Row(1, "Уличные фонари 🎄 горят по всему городу уже вторую неделю подряд", 3925, 9),
        Row(
            2,
            "\x1b[31mred\x1b[0m 新聞新聞新聞新聞新聞新聞新聞新聞新聞新聞新聞新聞新聞新聞",
            1,
            1,
        ),
    ),
)
SEEN = Seen(
    at=1_800_000_000_000,
    collectors=(Collector("http://127.0.0.1:8081", "", 1500),),
    log=Log("engagement.events", 3, {0: OffsetRange(100, 1100), 1: OffsetRange(0, 500)}),
    workers=Workers(
        (Worker("10.0.0.7", (0, 1, 2, 5), 1234), Worker("10.0.0.8", (3,), 0)), (4,), 1300, False
    ),
    counted=COUNTED,
    ranked=RANKED,
)
BEFORE = replace(
    SEEN,
    at=SEEN.at - 2000,
    collectors=(Collector("http://127.0.0.1:8081", "", 1000),),
    log=Log("engagement.events", 3, {0: OffsetRange(100, 1000), 1: OffsetRange(0, 500)}),
    counted=Counted(1_799_999_997_000, False, 1000, 980, 12, 5, 3, 70),
)


def shown(seen: Seen, width: int = 100, before: Seen | None = BEFORE) -> list[str]:
    return ["".join((a, b, d)) for a, b, _, d in lines(list(blocks(seen, before)), width)]


def test_it_says_of_each_part_how_it_is() -> None:
    text = "\n".join(shown(SEEN))
    for part in (
        "collector   ready   1,500 events accepted, 250 events/s",
        "kafka       ready   1,500 records, 50 records/s",
        "engagement.events, 2 partitions on 3 brokers",
        "aggregator  behind  2 workers, 1,300 records to count",
        "10.0.0.7 has partitions 0-2, 5 ",
        "1,234 to count",
        "nobody has partition 4",
        "counted until 07:59:59 UTC, 1 s ago",
        "900 events, of them 12 duplicate, 5 late, 3 dead-lettered",  # it was counted anew: no rate
        "70 rows of counters",
        "list        ready   default, 24h: as of 07:59:59 UTC",
        "3,925 views",
        "1 view",
    ):
        assert part in text, part
    assert len(text.splitlines()) <= 24
    assert "\x1b" not in text


@pytest.mark.parametrize("width", [24, 40, 63, 64, 80, 250])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    told = shown(SEEN, width)
    assert max(map(columns, told)) <= width
    assert any("3,925 views" in line for line in told)
    assert any(line.startswith("collector ") and "ready" in line for line in told)


def test_a_part_that_is_away_says_why_and_the_others_are_shown() -> None:
    silent = replace(SEEN, log=Away("no Kafka broker answers"), collectors=(Away("nobody"),))
    text = "\n".join(shown(silent))
    assert "kafka       away    no Kafka broker answers" in text
    assert "collector   away    nobody" in text
    assert "900 events" in text
    assert rates(silent, BEFORE) == {"accepted": None, "records": None, "received": None}


def test_nobody_who_counts_is_away_and_a_stale_list_is_behind() -> None:
    seen = replace(
        SEEN,
        workers=Workers((), (0, 1), 7, False),
        ranked=replace(RANKED, stale=True, top=()),
        counted=replace(COUNTED, behind=True),
    )
    text = "\n".join(shown(seen))
    assert "aggregator  away    nobody counts; 7 records to count" in text
    assert "list        behind  default, 24h: as of 07:59:59 UTC, stale" in text
    assert "clickhouse  behind" in text
    assert "nothing was read yet" in text


def test_many_workers_and_collectors_stay_on_one_screen() -> None:
    many = replace(
        SEEN,
        collectors=SEEN.collectors * 9,
        workers=Workers(tuple(Worker(f"10.0.0.{n}", (n,), n) for n in range(40)), (), 780, False),
    )
    text = "\n".join(shown(many))
    assert "5 more, 0 of them away" in text
    assert "and 36 more" in text
    assert "774 to count" in text


def test_machines_get_the_numbers_and_the_rates() -> None:
    told = as_json(SEEN, BEFORE)
    assert told["per_second"] == {"accepted": 250.0, "records": 50.0, "received": None}
    assert told["workers"] == {
        "workers": (
            {"host": "10.0.0.7", "partitions": (0, 1, 2, 5), "waiting": 1234},
            {"host": "10.0.0.8", "partitions": (3,), "waiting": 0},
        ),
        "orphans": (4,),
        "waiting": 1300,
        "sharing_out": False,
    }
