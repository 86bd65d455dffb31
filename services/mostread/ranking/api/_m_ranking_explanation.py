"""Why an article stands where it stands: the parts of its score, or of its trend."""

from mostread.core.ranking.scoring import FULL
from mostread.ranking.api.params import ListQuery
from mostread.ranking.config import Weights
from mostread.ranking.repository import RankedRow


def explanation(row: RankedRow, query: ListQuery, weights: Weights) -> dict[str, object]:
    """Return what is said of an item with `explain=1`; engagement/score.py has the formulas."""
    if query.by == "trending":
        return {
            "seen": row.views,
            "expected": row.expected,
            "day_before": row.base_views,
            "hours_before": row.hours,
            "at_least_times": 2**row.ranked,
        }
    half_life = query.half_life
    return {
        "half_life_hours": half_life.total_seconds() / 3600 if half_life else None,
        "views": _part(row.base_views, weights.views),
        "comments": _part(row.base_comments, weights.comments),
        "likes": _part(row.base_likes, weights.likes),
    }


def _part(millionths: int, weight: float) -> dict[str, float]:
    # Divided once, as in the query, so that the parts add up to the score.
    return {
        "decayed": millionths / FULL,
        "weight": weight,
        "points": millionths * weight / FULL,
    }
