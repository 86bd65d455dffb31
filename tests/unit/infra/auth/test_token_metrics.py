"""The metric of tokens that expire."""

import pytest
from prometheus_client import CollectorRegistry

from mostread.infra.auth import token_metrics
from mostread.infra.auth.token_metrics import TokenMetrics
from mostread.infra.auth.tokens import hash_token, parse_tokens

NAME = "mostread_test_token_expiry_timestamp_seconds"
DAY = 86_400
HASH = hash_token("one")


@pytest.mark.parametrize(
    ("days", "shown"),
    [(1, 2 * DAY), (3, 2 * DAY), (4, 4 * DAY), (5, 4 * DAY), (6, 6 * DAY), (7, 6 * DAY), (8, None)],
)
def test_metric_is_the_next_expiry_by_role_until_a_day_after_it(
    monkeypatch: pytest.MonkeyPatch, days: int, shown: float | None
) -> None:
    """`a` is about to be replaced by another token of its name, and none is without an expiry."""
    monkeypatch.setattr(token_metrics, "now_ms", lambda: days * DAY * 1000 - 1)
    registry = CollectorRegistry()
    metrics = TokenMetrics("test", registry)
    metrics.expiry.tokens = parse_tokens(
        f"a:cms:{HASH}::1970-01-02,a:cms:{HASH}::1970-01-07,b:cms:{HASH},"
        f"c:cms:{HASH}::1970-01-03,d:cms:{HASH}::1970-01-05,e:emit:{HASH}::1970-01-04"
    )
    assert registry.get_sample_value(NAME, {"role": "cms"}) == shown
    if days <= 4:
        assert registry.get_sample_value(NAME, {"role": "emit"}) == 3 * DAY
