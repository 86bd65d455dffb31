"""Ranks as a line."""

from mostread.ranking.pages.article import rank_line


def test_the_first_rank_is_at_the_top_and_the_lowest_at_the_bottom() -> None:
    line = rank_line([1, 10, 100])
    assert line.lines == ["0,3.0 10,3.0 10,50.0 20,50.0 20,97.0 30,97.0"]
    assert (line.lowest, line.width) == (100, 30)


def test_a_gap_parts_the_line_and_one_rank_alone_is_seen() -> None:
    line = rank_line([None, 1, None, None, 1, 1])
    assert line.lines == ["10,3.0 20,3.0", "40,3.0 50,3.0 50,3.0 60,3.0"]
    assert line.lowest == 10


def test_no_rank_is_no_line() -> None:
    assert rank_line([None] * 48).lines == []
