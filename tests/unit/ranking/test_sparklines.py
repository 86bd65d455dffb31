"""The points of a small line."""

from mostread.ranking.service.sparklines import HEIGHT, WIDTH, points


def test_the_largest_stands_at_the_top_and_nothing_at_the_bottom() -> None:
    assert points([0, 5, 10]) == f"0,{HEIGHT - 1}.0 {WIDTH // 2},{HEIGHT // 2}.0 {WIDTH},1.0"


def test_without_views_it_is_flat() -> None:
    assert {each.split(",")[1] for each in points([0] * 24).split()} == {f"{HEIGHT - 1}.0"}
