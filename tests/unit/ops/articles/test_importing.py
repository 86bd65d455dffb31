"""Files of articles."""

import pytest

from mostread.errors import InvalidFile
from mostread.ops.articles.importing import read_file

CSV = """article_id,url,title,published_at,authors,tags,hidden,pinned,section
/a,https://n.example/a,"A, B",2026-11-23T09:30:00+05:00,A. Smith|Ә. Нұрлан,x | y,yes,3,City
,https://n.example/b?utm_source=x,B,1795461787364,,,,,
"""


def test_csv_gives_descriptions() -> None:
    assert read_file(CSV.encode(), "a.csv", "news") == [
        {
            "site": "news",
            "article_id": "/a",
            "url": "https://n.example/a",
            "title": "A, B",
            "published_at": "2026-11-23T09:30:00+05:00",
            "authors": ["A. Smith", "Ә. Нұрлан"],
            "tags": ["x", "y"],
            "hidden": True,
            "pinned": 3,
            "section": "City",
        },
        {
            "site": "news",
            "article_id": "/b",
            "url": "https://n.example/b?utm_source=x",
            "title": "B",
            "published_at": 1_795_461_787_364,
        },
    ]


def test_ndjson_gives_descriptions_of_several_sites() -> None:
    lines = (
        '{"article_id":"a","title":"A","tags":["x"],"site":null,"section":null}\n\n'
        '{"url":"https://n/b","title":"B","site":"s","article_id":null}'
    )
    assert read_file(lines.encode(), "a.ndjson", "news") == [
        {"site": "news", "article_id": "a", "title": "A", "tags": ["x"]},
        {"site": "s", "article_id": "/b", "url": "https://n/b", "title": "B"},
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("article_id,url\na,b\n", "line 1: no column title; required are title, and optional"),
        ("title,headline\n", "line 1: column headline is unknown; the columns are article_id"),
        ("title,article_id\nA\n", "line 2: 1 fields, but the header has 2"),
        ("title,article_id\nA,\n", "line 2: there is neither an article_id nor a url"),
        ("title,article_id\n,a\n", "line 2: Object missing required field `title`"),
        ("title,url\nA,not a url\n", "line 2: .*url"),
        ("title,article_id,published_at\nA,a,23.11.2026\n", "line 2: .*ISO 8601"),
        ("title,article_id,published_at\nA,a,1795461787\n", "line 2: .*multiply seconds"),
        ("title,article_id,pinned\nA,a,x\n", "line 2: pinned is 'x'"),
        ("title,article_id,pinned\nA,a,101\n", "line 2: .*pinned"),
        ("title,article_id,hidden\nA,a,perhaps\n", "line 2: hidden is 'perhaps'"),
        ("title,article_id,site\nA,a,b c\n", "line 2: site needs"),
        ('title,article_id\n"A,a\n', "line"),
        ("title,article_id\n", "contains no articles"),
    ],
)
def test_invalid_lines_are_named_with_the_problem(text: str, message: str) -> None:
    with pytest.raises(InvalidFile, match=message):
        read_file(text.encode(), "a.csv", "news")


def test_all_invalid_lines_are_reported_and_none_is_kept() -> None:
    lines = ["title,article_id", *["A,"] * 25]
    with pytest.raises(InvalidFile, match="nothing was imported") as refused:
        read_file("\n".join(lines).encode(), "a.csv", "news")
    assert str(refused.value).endswith("and 5 more")
