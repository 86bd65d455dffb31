"""The sample that `mostread notify --test` sends."""

from datetime import UTC, datetime
from typing import Any

import pytest

from mostread.ops.notify.sample import sample_message
from mostread.ops.notify.subscriptions import Subscription
from mostread.ops.notify.wording import word

NOW = datetime(2026, 11, 28, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wanted", "kinds", "subject"),
    [
        ({"alerts": ["falls"]}, ["falls"], "Falling: Five recipes for plov"),
        (
            {"alerts": ["rises", "marked"], "digest_at": "08:00"},
            ["rises", "marked"],
            "Rising: New metro line opens tomorrow (+1)",
        ),
        ({"digest_at": "08:00"}, [], "Most read on 27 November"),
    ],
    ids=["one kind", "two kinds", "digest"],
)
def test_sample_has_what_the_subscription_asks_for(
    wanted: dict[str, Any], kinds: list[str], subject: str
) -> None:
    subscription = Subscription(name="desk", slack="https://hooks.example/x", **wanted)
    message = sample_message(subscription, "https://mostread.example/", NOW)
    assert [each.kind for each in message.alerts] == kinds
    assert (message.digest is None) == bool(kinds)
    assert message.is_test
    assert word(message).subject == subject
