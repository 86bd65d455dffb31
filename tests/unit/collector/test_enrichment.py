"""Enrichment: timestamps, visitor ids and event ids, and when two events share them."""

import pytest
from msgspec import UNSET
from pydantic import SecretStr

from mostread.collector.config import CollectorSettings
from mostread.collector.pipeline.client_info import ClientInfo
from mostread.collector.pipeline.enrichment import corrected
from mostread.collector.pipeline.event import SentEvent
from mostread.collector.pipeline.pipeline import Pipeline
from mostread.collector.pipeline.visitor_id import DAY_MS, IdHasher
from mostread.core.retention import VIEW_SLOT_MS
from mostread.infra.auth.tokens import Role
from tests.support.http import FakeHeaders

SECRET = "a secret of this test, which is long"
NOON = 20_000 * DAY_MS + DAY_MS // 2


def client(
    address: str = "198.51.100.1", user_agent: str = "Firefox", role: Role | None = None
) -> ClientInfo:
    return ClientInfo(address, FakeHeaders({"User-Agent": user_agent}), role)


def enrich(events: list[SentEvent], sent_by: ClientInfo, now_ms: int, secret: str = SECRET) -> None:
    settings = CollectorSettings(collector_visitor_secret=SecretStr(secret))
    Pipeline(settings).enrich(events, sent_by, now_ms)


def completed(
    event: SentEvent,
    sent_by: ClientInfo | None = None,
    now_ms: int = NOON,
    sent_at: int | None = None,
    secret: str = SECRET,
) -> SentEvent:
    sent_by = sent_by or client()
    sent_by.sent_at = sent_at
    enrich([event], sent_by, now_ms, secret)
    return event


def view(**fields: object) -> SentEvent:
    return SentEvent("view", "a", **fields)  # type: ignore[arg-type]


def test_enrichment_fills_in_missing_fields_only() -> None:
    complete = completed(view(id="mine", timestamp=5, visitor="v"))
    assert (complete.id, complete.timestamp, complete.visitor) == ("~mine", 5, "v")
    bare = completed(view())
    assert bare.timestamp == NOON
    assert isinstance(bare.id, str)
    assert len(bare.id) == 33
    assert isinstance(bare.visitor, str)
    assert len(bare.visitor) == 16


def test_event_id_of_a_view_is_constant_within_half_an_hour() -> None:
    first = completed(view())
    assert completed(view(), now_ms=NOON + VIEW_SLOT_MS - 1).id == first.id
    assert completed(view(), now_ms=NOON + VIEW_SLOT_MS).id != first.id


@pytest.mark.parametrize(
    "other",
    [
        completed(view(), client("198.51.100.2")),
        completed(view(), client(user_agent="Chrome")),
        completed(view(site="news")),
        completed(SentEvent("view", "b")),
        completed(view(), secret="another secret, which is as long as it"),
        completed(view(visitor="v")),
    ],
)
def test_event_id_differs_by_reader_article_site_and_secret(other: SentEvent) -> None:
    assert other.id != completed(view()).id


def test_hasher_separates_adjacent_fields() -> None:
    hasher = IdHasher(SECRET)
    assert hasher.view_id("s", "a", "1\n2", NOON) != hasher.view_id("s", "a\n1", "2", NOON)
    assert hasher.visitor_id("s", "1", "2", NOON) != hasher.visitor_id("s", "12", "", NOON)


def test_collectors_with_one_secret_produce_equal_ids() -> None:
    assert completed(view()) == completed(view())


def test_visitor_id_is_constant_within_an_ipv6_64() -> None:
    one = completed(view(), client("2001:db8::1"))
    assert completed(view(), client("2001:db8::2")).visitor == one.visitor
    assert completed(view(), client("2001:db8:0:1::1")).visitor != one.visitor


def test_visitor_id_changes_at_midnight_utc() -> None:
    today = completed(view(), now_ms=NOON).visitor
    assert completed(view(), now_ms=NOON + DAY_MS // 2 - 1).visitor == today
    assert completed(view(), now_ms=NOON + DAY_MS // 2).visitor != today


def test_event_id_of_a_late_view_uses_its_own_day() -> None:
    midnight = NOON + DAY_MS // 2
    before = completed(view(timestamp=midnight - 60_000), now_ms=midnight - 50_000)
    after = completed(view(timestamp=midnight - 1000), now_ms=midnight + 50_000)
    assert (after.id, after.visitor) == (before.id, before.visitor)


def test_visitor_ids_in_one_request_differ_by_day_and_site() -> None:
    midnight = NOON + DAY_MS // 2
    events = [
        view(timestamp=midnight),
        view(timestamp=midnight - 1),
        view(site="news", timestamp=midnight),
    ]
    enrich(events, client(), midnight)
    assert len({event.visitor for event in events}) == 3
    assert events[0] == completed(view(timestamp=midnight), now_ms=midnight)


def test_reader_who_claims_other_times_remains_one_visitor_and_one_view() -> None:
    claimed = [NOON + slot * VIEW_SLOT_MS for slot in range(-150, 50)]
    events = [view(timestamp=timestamp) for timestamp in claimed]
    enrich(events, client(), NOON)
    assert [event.timestamp for event in events] == claimed
    assert len({event.visitor for event in events}) == 1
    assert len({event.id for event in events}) == 2  # this half hour and the one before
    named = [view(timestamp=timestamp, visitor="v") for timestamp in claimed]
    enrich(named, client(), NOON)
    assert len({event.id for event in named}) == 2


def test_view_resent_for_25_minutes_keeps_its_id() -> None:
    sent = [completed(view(timestamp=NOON), now_ms=NOON + age) for age in (0, 25 * 60_000)]
    assert sent[0].id == sent[1].id


@pytest.mark.parametrize(("role", "event_id"), [(None, "~a"), (Role.CMS, "~a"), (Role.EMIT, "a")])
def test_ids_without_a_token_of_a_server_are_marked(role: Role | None, event_id: str) -> None:
    assert completed(view(id="a"), client(role=role)).id == event_id
    made = [completed(view(visitor="v"), client(role=role)).id for _ in range(2)]
    assert made[0] == made[1]
    assert str(made[0]).startswith("~") is (role is not Role.EMIT)


def test_event_ids_of_likes_and_comments_are_unique() -> None:
    ids = {completed(SentEvent(kind, "a")).id for kind in ("like", "comment") for _ in range(2)}
    assert len(ids) == 4


def test_event_ids_of_views_without_visitor_are_unique() -> None:
    views = [completed(view(), client(address="")) for _ in range(2)]
    assert [event.visitor for event in views] == [UNSET, UNSET]
    assert views[0].id != views[1].id


def test_server_events_get_no_visitor_id() -> None:
    server = client(role=Role.EMIT)
    views = [completed(view(), server) for _ in range(2)]
    assert [event.visitor for event in views] == [UNSET, UNSET]
    assert views[0].id != views[1].id
    named = [completed(view(visitor="v"), server) for _ in range(2)]
    assert named[0].id == named[1].id


def test_timestamp_is_corrected_by_the_clients_clock_error() -> None:
    ahead = NOON + 7_200_000
    event = completed(view(timestamp=ahead - 5000), sent_at=ahead)
    assert event.timestamp == NOON - 5000
    again = completed(view(timestamp=ahead - 5000), now_ms=NOON + 2000, sent_at=ahead + 2000)
    assert again == event


def test_timestamp_of_a_server_is_not_corrected() -> None:
    event = completed(view(timestamp=5), client(role=Role.EMIT), sent_at=NOON + 1000)
    assert event.timestamp == 5


def test_timestamp_without_sent_at_is_not_corrected() -> None:
    assert completed(view(timestamp=NOON - 7_200_000)).timestamp == NOON - 7_200_000


@pytest.mark.parametrize(
    ("timestamp", "sent_at", "expected"),
    [(100, 300, 800), (300, 100, 1000), (0, 4_102_444_799_999, 0), (300, 300, 1000)],
)
def test_corrected_timestamp_is_between_zero_and_now(
    timestamp: int, sent_at: int, expected: int
) -> None:
    assert corrected(timestamp, sent_at, 1000) == expected


def test_visitor_id_accepts_any_user_agent() -> None:
    assert completed(view(), client(user_agent="\udcff ключ")).visitor
