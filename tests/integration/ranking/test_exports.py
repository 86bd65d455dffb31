"""Lists, series and decisions as CSV and NDJSON."""

import csv
import io
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from html import unescape
from urllib.parse import parse_qsl, urljoin

import pytest

from tests.support.ranking import EDITOR, FIRST, NOW, Counted, Service, Site, ago


async def download(
    service: Service, path: str, headers: Mapping[str, str] | None = None, **params: str
) -> tuple[list[dict[str, str]], str]:
    """Return the rows of a CSV file and its name."""
    query = {"format": "csv", **params}
    async with service.get(path, params=query, headers=headers) as response:
        body = await response.read()
        assert response.status == 200, body
        assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
        disposition = response.headers["Content-Disposition"]
    text = body.decode("utf-8-sig")
    assert "\r\n" in text
    return list(csv.DictReader(io.StringIO(text, newline=""))), disposition


async def test_list_as_csv_has_the_numbers_of_json_and_all_articles(
    service: Service, site: Site, counted: Counted
) -> None:
    counted.progress(NOW, 0, 1, FIRST)
    for number in range(130):
        counted.event(f"a{number:03}", ago(hours=1), views=1000 - number, likes=number)
    counted.event("a000", ago(hours=30), views=7)
    counted.write()
    counted.article("a000", title="Metro; “open”", section="City", authors=["A", "B"], tags=["x"])
    rows, name = await download(service, "/v1/most-read", site=site.name, compare="day")
    assert name == f'attachment; filename="most-read-{site.name}-24h.csv"'
    assert [row["article_id"] for row in rows] == [f"a{number:03}" for number in range(130)]
    first = (await site.most_read(limit=1, compare="day"))["items"][0]
    assert (rows[0]["title"], rows[0]["section"]) == ("Metro; “open”", "City")
    assert (rows[0]["authors"], rows[0]["tags"]) == ("A|B", "x")
    assert (rows[0]["rank"], rows[129]["window_likes"]) == ("1", "129")
    assert int(rows[0]["window_views"]) == first["window"]["views"] == 1000
    assert int(rows[0]["total_views"]) == first["total"]["views"] == 1007
    assert int(rows[0]["compared_views"]) == first["compared"]["views"] == 7
    page, _ = await download(service, "/v1/most-read", site=site.name, limit="2", offset="1")
    assert [row["article_id"] for row in page] == ["a001", "a002"]
    assert "compared_views" not in page[0]


async def test_texts_that_spreadsheets_take_for_formulas_are_texts(
    service: Service, site: Site, counted: Counted
) -> None:
    titles = ["=1+1", "+1", "-1", "@SUM(A1)", "＝1", "A=1", "'=1", "a;=1", "a,-1", 'a;"=1', "a; -1"]
    for number, title in enumerate(titles):
        counted.event(f"={number}", ago(hours=1), views=100 - number)
        counted.article(f"={number}", title=title, url='https://x/?a="1",2')
    counted.event("taken-back", ago(hours=1), views=1, likes=-3)
    counted.write()
    rows, _ = await download(service, "/v1/most-read", site=site.name)
    assert [row["title"] for row in rows[:-1]] == [
        "'=1+1",
        "'+1",
        "'-1",
        "'@SUM(A1)",
        "'＝1",
        "A=1",
        "'=1",
        "a;'=1",
        "a,'-1",
        "a;\"'=1",
        "a; -1",
    ]
    assert rows[0]["article_id"] == "'=0"
    assert rows[0]["url"] == 'https://x/?a="1",2'
    assert rows[-1]["window_likes"] == "-3"  # a number, not a text


async def test_whole_list_is_longer_for_who_is_signed_in(
    service: Service, site: Site, counted: Counted
) -> None:
    for number in range(1005):
        counted.event(f"a{number:04}", ago(hours=1), views=2000 - number)
    counted.write()
    expected = [f"a{number:04}" for number in range(1005)]
    for headers, length, cache in (
        (None, 1000, "public, max-age=1"),
        (EDITOR, 1005, "private, no-cache"),
    ):
        rows, _ = await download(service, "/v1/most-read", headers, site=site.name)
        assert [row["article_id"] for row in rows] == expected[:length]
        query = {"site": site.name, "format": "csv"}
        async with service.head("/v1/most-read", params=query, headers=headers) as response:
            assert (response.status, await response.read()) == (200, b"")
            assert response.headers["Cache-Control"] == cache


async def test_semicolons_come_with_decimal_commas(
    service: Service, site: Site, counted: Counted
) -> None:
    counted.event("a", ago(hours=1), views=3)
    counted.write()
    counted.article("a", title="Metro; open, at last")
    query = {"site": site.name, "format": "csv", "by": "score", "separator": "semicolon"}
    async with service.get("/v1/most-read", params=query) as response:
        text = await response.text()
    (row,) = csv.DictReader(io.StringIO(text, newline=""), delimiter=";")
    (item,) = (await site.most_read(by="score"))["items"]
    assert row["title"] == "Metro; open, at last"
    assert row["score"] == str(item["score"]).replace(".", ",")
    assert "," in row["score"]


async def test_byte_order_mark_is_there_on_request(service: Service, site: Site) -> None:
    for params, begins in (({}, b"rank,"), ({"bom": "1"}, b"\xef\xbb\xbfrank,")):
        query = {"site": site.name, "format": "csv", **params}
        async with service.get("/v1/most-read", params=query) as response:
            assert (await response.read()).startswith(begins)


async def test_ndjson_has_the_items_of_json(service: Service, site: Site, counted: Counted) -> None:
    counted.progress(NOW, 0, 1, FIRST)
    for number in range(3):
        counted.event(f"a{number}", ago(hours=1), views=9 - number)
        counted.article(f"a{number}", title="=1")
    counted.write()
    query = {"site": site.name, "format": "ndjson", "limit": "10"}
    async with service.get("/v1/most-read", params=query) as response:
        lines = (await response.text()).splitlines()
        assert response.headers["Content-Type"] == "application/x-ndjson"
        etag = response.headers["ETag"]
    assert [json.loads(line) for line in lines] == (await site.most_read())["items"]
    async with service.get(
        "/v1/most-read", params=query, headers={"If-None-Match": etag}
    ) as response:
        assert response.status == 304
    async with service.head("/v1/most-read", params=query) as response:
        assert (response.status, await response.read()) == (200, b"")


async def test_series_of_site_and_article_have_a_line_per_step(
    service: Service, site: Site, counted: Counted
) -> None:
    counted.progress(NOW, 0, 1, FIRST)
    counted.event("a/b?", ago(hours=1), views=5, comments=2)
    counted.event("c", ago(hours=1), views=3)
    counted.write()
    hour = NOW.replace(minute=0, second=0)

    def parsed(row: dict[str, str]) -> tuple[datetime, str, str, str]:
        start = datetime.fromisoformat(row["start"])
        return start, row["views"], row["comments"], row["complete"]

    span = {"site": site.name, "from": (hour - timedelta(hours=2)).isoformat()}
    rows, name = await download(service, "/v1/series", None, **span)
    assert name == f'attachment; filename="views-{site.name}-hour.csv"'
    assert list(map(parsed, rows)) == [
        (hour - timedelta(hours=2), "0", "0", "1"),
        (hour - timedelta(hours=1), "8", "2", "1"),
        (hour, "0", "0", "0"),
    ]
    rows, name = await download(service, "/v1/articles/a%2Fb%3F/series", None, **span)
    assert name == 'attachment; filename="views-a-b-hour.csv"'
    assert [row["views"] for row in rows] == ["0", "5", "0"]


async def test_decisions_are_for_editors_in_every_format(
    service: Service, site: Site, counted: Counted
) -> None:
    counted.event("a", ago(hours=1), views=1)
    counted.write()
    counted.article("a", title="=A")
    pinned_in = {"pinned_sections": ["City", "Sport"], "pinned_windows": ["24h"]}
    decision = {"hidden": True, "pinned": 2, "reason": "+legal, really", **pinned_in}
    counted.decisions({"a": decision})
    query = {"site": site.name, "format": "csv"}
    async with service.get("/v1/decisions", params=query) as response:
        assert response.status == 401
    rows, name = await download(service, "/v1/decisions", EDITOR, site=site.name)
    assert name == f'attachment; filename="decisions-{site.name}.csv"'
    (row,) = rows
    assert (row["article_id"], row["title"], row["kinds"]) == ("a", "'=A", "hidden|pinned")
    assert row["decision_pinned_in_sections"] == "City|Sport"
    assert (row["decision_pinned_in_languages"], row["decision_pinned_in_windows"]) == ("", "24h")
    assert (row["decision_by"], row["decision_reason"]) == ("editor", "'+legal, really")
    link = f"v1/decisions?site={site.name}&amp;kind=hidden&amp;format=csv&amp;bom=1"
    for lang, separator in (("en", ""), ("ru", "&amp;separator=semicolon")):
        page = f"/decisions?site={site.name}&kind=hidden&lang={lang}"
        async with service.get(page, headers=EDITOR) as response:
            assert f'href="{link}{separator}"' in await response.text()


async def test_pages_link_to_the_files_of_what_they_show(
    service: Service, site: Site, counted: Counted
) -> None:
    counted.progress(NOW, 0, 1, FIRST)
    for article_id, section in (("a/1", "City"), ("b", "Sport")):
        counted.article(article_id, section=section)
        counted.event(article_id, ago(minutes=30), views=5)
    counted.write()

    async def linked(page: str) -> list[dict[str, str]]:
        """Return the rows of the file that a page links to."""
        async with service.get(page) as response:
            text = await response.text()
        (link,) = re.findall(r'<a href="([^"]+)" download>Download as CSV</a>', text)
        path, _, query = urljoin(page, unescape(link)).partition("?")
        assert "bom=1" in query
        rows, _ = await download(service, path, None, **dict(parse_qsl(query)))
        return rows

    listed = await linked(f"/?site={site.name}&section=City&window=1h&lang=en&limit=1")
    assert [row["article_id"] for row in listed] == ["a/1"]
    for over, hours in (("3h", None), ("24h", None), ("400d", 399 * 24)):
        steps = await linked(f"/articles/a%2F1?site={site.name}&over={over}&lang=en")
        assert sum(int(row["views"]) for row in steps) == 5
        assert hours is None or len(steps) > hours - 24


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("format=xlsx", "format"),
        ("format=csv&format=csv", "format"),
        ("format=csv&bom=2", "bom"),
        ("format=csv&separator=tab", "separator"),
        ("format=csv&cursor=*", "cursor"),
        ("format=csv&limits=1", "limits"),
    ],
)
async def test_invalid_format_is_named(service: Service, query: str, parameter: str) -> None:
    async with service.get(f"/v1/most-read?{query}") as response:
        problem = await response.json()
    assert (response.status, problem["parameter"]) == (400, parameter)
    async with service.get("/v1/most-read?format=json&limit=1") as response:
        assert (await response.json())["items"] is not None
