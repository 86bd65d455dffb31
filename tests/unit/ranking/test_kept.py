"""How long rows are kept is said in two places, which agree."""

import re

from mostread.infra.schemas import migrations
from mostread.ranking.service.timeseries import KEPT


def test_a_series_goes_as_far_back_as_rows_are_kept() -> None:
    text = "".join(path.read_text() for path in migrations())
    days = re.findall(r"window \+ INTERVAL (\d+) DAY DELETE WHERE grain = '(\w+)'", text)
    assert {grain: int(number) for number, grain in days} == {
        grain: kept.days for grain, kept in KEPT.items()
    }
