"""stamp.py and identity.py: what an event is given, and when two are given the same."""

import pytest
from msgspec import UNSET
from multidict import CIMultiDict, CIMultiDictProxy

from mostread.collector.pipeline.client_info import Sender
from mostread.collector.pipeline.enrichment import Stamp, corrected
from mostread.collector.pipeline.event import SentEvent
from mostread.collector.pipeline.visitor_id import DAY_MS, HALF_HOUR_MS, Identity
from mostread.infra.auth.tokens import Role

SECRET = "a secret of this test, which is long"
NOON = 20_000 * DAY_MS + DAY_MS // 2


def sender(
    address: str = "198.51.100.1", user_agent: str = "Firefox", role: Role | None = None
) -> Sender:
    return Sender(address, CIMultiDictProxy(CIMultiDict({"User-Agent": user_agent})), role)


def completed(
    event: SentEvent,
    sent_by: Sender | None = None,
    now_ms: int = NOON,
    sent_at: int | None = None,
    secret: str = SECRET,
) -> SentEvent:
    Stamp(Identity(secret)).complete([event], sent_by or sender(), now_ms, sent_at)
    return event


def view(**fields: object) -> SentEvent:
    return SentEvent("view", "a", **fields)  # type: ignore[arg-type]


def test_only_what_is_missing_is_filled_in() -> None:
    whole = completed(view(id="mine", timestamp=5, visitor="v"))
    assert (whole.id, whole.timestamp, whole.visitor) == ("mine", 5, "v")
    bare = completed(view())
    assert bare.timestamp == NOON
    assert isinstance(bare.id, str)
    assert len(bare.id) == 32
    assert isinstance(bare.visitor, str)
    assert len(bare.visitor) == 16


def test_a_reader_who_reloads_is_the_same_view() -> None:
    first = completed(view())
    assert completed(view(), now_ms=NOON + HALF_HOUR_MS - 1).id == first.id
    assert completed(view(), now_ms=NOON + HALF_HOUR_MS).id != first.id


@pytest.mark.parametrize(
    "other",
    [
        completed(view(), sender("198.51.100.2")),
        completed(view(), sender(user_agent="Chrome")),
        completed(view(site="news")),
        completed(SentEvent("view", "b")),
        completed(view(), secret="another secret, which is as long as it"),
        completed(view(visitor="v")),
    ],
)
def test_another_reader_article_or_secret_is_another_view(other: SentEvent) -> None:
    assert other.id != completed(view()).id


def test_fields_do_not_run_into_each_other() -> None:
    identity = Identity(SECRET)
    assert identity.view("s", "a", "1\n2", NOON) != identity.view("s", "a\n1", "2", NOON)
    assert identity.visitor("s", "1", "2", NOON) != identity.visitor("s", "12", "", NOON)


def test_collectors_with_one_secret_give_the_same_names() -> None:
    assert completed(view()) == completed(view())


def test_the_addresses_of_a_household_are_one_visitor() -> None:
    one = completed(view(), sender("2001:db8::1"))
    assert completed(view(), sender("2001:db8::2")).visitor == one.visitor
    assert completed(view(), sender("2001:db8:0:1::1")).visitor != one.visitor


def test_a_visitor_is_another_the_next_day() -> None:
    today = completed(view(), now_ms=NOON).visitor
    assert completed(view(), now_ms=NOON + DAY_MS // 2 - 1).visitor == today
    assert completed(view(), now_ms=NOON + DAY_MS // 2).visitor != today


def test_a_view_just_before_midnight_is_the_same_when_it_comes_after() -> None:
    midnight = NOON + DAY_MS // 2
    before = completed(view(timestamp=midnight - 60_000), now_ms=midnight - 50_000)
    after = completed(view(timestamp=midnight - 1000), now_ms=midnight + 50_000)
    assert (after.id, after.visitor) == (before.id, before.visitor)


def test_events_of_two_days_and_sites_in_one_request_have_their_own_visitors() -> None:
    events = [
        view(timestamp=NOON),
        view(timestamp=NOON - DAY_MS),
        view(site="news", timestamp=NOON),
    ]
    Stamp(Identity(SECRET)).complete(events, sender(), NOON, None)
    assert len({event.visitor for event in events}) == 3
    assert events[0] == completed(view(timestamp=NOON))


def test_every_like_and_every_comment_is_one_of_its_own() -> None:
    ids = {completed(SentEvent(kind, "a")).id for kind in ("like", "comment") for _ in range(2)}
    assert len(ids) == 4


def test_without_a_visitor_every_view_is_one_of_its_own() -> None:
    views = [completed(view(), sender(address="")) for _ in range(2)]
    assert [each.visitor for each in views] == [UNSET, UNSET]
    assert views[0].id != views[1].id


def test_a_server_is_not_the_visitor() -> None:
    server = sender(role=Role.EMIT)
    views = [completed(view(), server) for _ in range(2)]
    assert [each.visitor for each in views] == [UNSET, UNSET]
    assert views[0].id != views[1].id
    named = [completed(view(visitor="v"), server) for _ in range(2)]
    assert named[0].id == named[1].id


def test_a_clients_clock_is_corrected() -> None:
    ahead = NOON + 7_200_000
    event = completed(view(timestamp=ahead - 5000), sent_at=ahead)
    assert event.timestamp == NOON - 5000
    again = completed(view(timestamp=ahead - 5000), now_ms=NOON + 2000, sent_at=ahead + 2000)
    assert again == event


def test_a_servers_clock_is_taken_as_it_is() -> None:
    event = completed(view(timestamp=5), sender(role=Role.EMIT), sent_at=NOON + 1000)
    assert event.timestamp == 5


def test_without_sent_at_a_time_is_taken_as_it_is() -> None:
    assert completed(view(timestamp=NOON - 7_200_000)).timestamp == NOON - 7_200_000


@pytest.mark.parametrize(
    ("timestamp", "sent_at", "found"),
    [(100, 300, 800), (300, 100, 1000), (0, 4_102_444_799_999, 0), (300, 300, 1000)],
)
def test_no_correction_leads_out_of_time(timestamp: int, sent_at: int, found: int) -> None:
    assert corrected(timestamp, sent_at, 1000) == found


def test_any_user_agent_can_be_hashed() -> None:
    assert completed(view(), sender(user_agent="\udcff ключ")).visitor
