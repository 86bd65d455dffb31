"""Status screen at all widths, and status as JSON."""

from dataclasses import replace

import pytest

from mostread.infra.kafka.reader import OffsetRange
from mostread.ops.status.parts import (
    AggregatorStatus,
    CollectorStatus,
    CountingStatus,
    GroupStatus,
    ListedArticle,
    ListStatus,
    SystemStatus,
    TopicStatus,
    UnavailablePart,
    as_json,
    rates,
)
from mostread.ops.status.render import status_blocks, status_lines
from mostread.ops.terminal import text_width

COUNTED = CountingStatus(1_799_999_999_000, False, 900, 880, 12, 5, 3, 0, 1204, 70)
RANKED = ListStatus(
    "http://127.0.0.1:8080",
    "default",
    "24h",
    "2027-01-15T07:59:59.000Z",
    False,
    (
        ListedArticle(
            1, "Уличные фонари 🎄 горят по всему городу уже вторую неделю подряд", 3925, 9
        ),
        ListedArticle(
            2,
            "\x1b[31mred\x1b[0m 新聞新聞新聞新聞新聞新聞新聞新聞新聞新聞新聞新聞新聞新聞",
            1,
            1,
        ),
    ),
)
CURRENT = SystemStatus(
    timestamp=1_800_000_000_000,
    collectors=(CollectorStatus("http://127.0.0.1:8081", "", 1500),),
    kafka=TopicStatus(
        "engagement.events", 3, {0: OffsetRange(100, 1100, 1100), 1: OffsetRange(0, 500, 500)}
    ),
    aggregators=GroupStatus(
        (AggregatorStatus("10.0.0.7", (0, 1, 2, 5), 1234), AggregatorStatus("10.0.0.8", (3,), 0)),
        (4,),
        (1, 2, 3),
        (5,),
        1300,
        0,
        False,
    ),
    clickhouse=COUNTED,
    ranking=RANKED,
)
PREVIOUS = replace(
    CURRENT,
    timestamp=CURRENT.timestamp - 2000,
    collectors=(CollectorStatus("http://127.0.0.1:8081", "", 1000),),
    kafka=TopicStatus(
        "engagement.events", 3, {0: OffsetRange(100, 1000, 1000), 1: OffsetRange(0, 500, 500)}
    ),
    clickhouse=CountingStatus(1_799_999_997_000, False, 1000, 973, 12, 5, 3, 7, 1204, 70),
)


def rendered(
    current: SystemStatus, width: int = 100, previous: SystemStatus | None = PREVIOUS
) -> list[str]:
    lines = status_lines(list(status_blocks(current, previous)), width)
    return [prefix + state + text for prefix, state, _, text in lines]


def test_screen_shows_state_and_numbers_of_each_part() -> None:
    text = "\n".join(rendered(CURRENT))
    for expected in (
        "collector   ready        1,500 events accepted, 250 events/s",
        "kafka       ready        1,500 records, 50 records/s",
        "engagement.events, 2 partitions on 3 brokers",
        "aggregator  behind       2 aggregators, lag 1,300 records",
        "10.0.0.7: partitions 0-2, 5 ",
        "lag 1,234",
        "held up by an open transaction: partitions 1-3",
        "stopped, see `mostread doctor`: partition 5",
        "unassigned: partition 4",
        "watermark 07:59:59 UTC, 1 s ago",
        "900 events, 12 duplicate, 5 late, 3 dead-lettered",  # no rate after a rebuild
        "1,204 records lost: removed or skipped before they were counted",
        "70 rows of counters",
        "list        ready        default, 24h: as of 07:59:59 UTC",
        "3,925 views",
        "1 view",
    ):
        assert expected in text, expected
    assert len(text.splitlines()) <= 24
    assert "\x1b" not in text


@pytest.mark.parametrize("width", [24, 40, 63, 64, 80, 250])
def test_no_line_exceeds_the_terminal_width(width: int) -> None:
    lines = rendered(CURRENT, width)
    assert max(map(text_width, lines)) <= width
    assert any("3,925 views" in line for line in lines)
    assert any(line.startswith("collector ") and "ready" in line for line in lines)


def test_unavailable_part_shows_its_reason_among_the_others() -> None:
    current = replace(
        CURRENT,
        kafka=UnavailablePart("no Kafka broker responds"),
        collectors=(UnavailablePart("refused"),),
    )
    text = "\n".join(rendered(current))
    assert "kafka       unavailable  no Kafka broker responds" in text
    assert "collector   unavailable  refused" in text
    assert "900 events" in text
    assert rates(current, PREVIOUS) == {"accepted": None, "records": None, "received": None}


def test_missing_aggregators_are_unavailable_and_stale_list_is_behind() -> None:
    current = replace(
        CURRENT,
        aggregators=GroupStatus((), (0, 1), (), (), 7, 0, False),
        ranking=replace(RANKED, stale=True, top=()),
        clickhouse=replace(COUNTED, stale=True),
    )
    text = "\n".join(rendered(current))
    assert "aggregator  unavailable  no aggregator runs; lag 7 records" in text
    assert "list        behind       default, 24h: as of 07:59:59 UTC, stale" in text
    assert "clickhouse  behind" in text
    assert "no views yet" in text


def test_many_aggregators_and_collectors_fit_on_one_screen() -> None:
    many = replace(
        CURRENT,
        collectors=CURRENT.collectors * 9,
        aggregators=GroupStatus(
            tuple(AggregatorStatus(f"10.0.0.{n}", (n,), n) for n in range(40)),
            (),
            (),
            (),
            780,
            12,
            False,
        ),
    )
    text = "\n".join(rendered(many))
    assert "5 more, 0 unavailable" in text
    assert "36 more" in text
    assert "lag 774" in text
    assert "articles and placements" in text
    assert "lag 12" in text


def test_as_json_has_numbers_and_rates() -> None:
    document = as_json(CURRENT, PREVIOUS)
    assert document["per_second"] == {"accepted": 250.0, "records": 50.0, "received": None}
    assert document["aggregators"] == {
        "aggregators": (
            {"host": "10.0.0.7", "partitions": (0, 1, 2, 5), "lag": 1234},
            {"host": "10.0.0.8", "partitions": (3,), "lag": 0},
        ),
        "unassigned": (4,),
        "held_up": (1, 2, 3),
        "stopped": (5,),
        "lag": 1300,
        "articles_lag": 0,
        "rebalancing": False,
    }
