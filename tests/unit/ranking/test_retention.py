"""Retention is declared in two places, which agree."""

import re

from mostread.infra.schemas import migrations
from mostread.ranking.api.params import RETENTION


def test_series_retention_equals_ttl_of_tables() -> None:
    text = "".join(path.read_text() for path in migrations())
    days = re.findall(r"window \+ INTERVAL (\d+) DAY DELETE WHERE grain = '(\w+)'", text)
    assert {grain: int(number) for number, grain in days} == {
        "minute": RETENTION["minute"].days,
        "hour": RETENTION["hour"].days,
        "week": RETENTION["hour"].days,
    }
