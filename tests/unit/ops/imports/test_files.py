"""Files of totals: accepted formats, and errors for the others."""

import gzip
from collections.abc import Sequence

import pytest

from mostread.errors import InvalidFile
from mostread.ops.imports.files import parse_file
from mostread.ops.imports.totals import COLUMNS, ArticleTotals, totals_digest, validate_lines

A = ArticleTotals("a", 3, 2, 1)
B = ArticleTotals("b", 0, 0, 0, site="s")
CSV = "article_id,views,comments,likes,site\na,3,2,1,default\nb,0,0,0,s\n"
NDJSON = (
    '{"article_id":"a","views":3,"comments":2,"likes":1}\n\n'
    '{"likes":0,"comments":0,"views":0,"article_id":"b","site":"s"}'
)


def read(content: str | bytes, name: str = "totals.csv") -> Sequence[ArticleTotals]:
    encoded = content if isinstance(content, bytes) else content.encode()
    return validate_lines(parse_file(encoded, name, COLUMNS))


def refused(content: str | bytes, name: str = "totals.csv") -> str:
    with pytest.raises(InvalidFile) as error:
        read(content, name)
    return str(error.value)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (CSV.encode(), "totals.csv"),
        (CSV.encode(), "<stdin>"),
        (CSV.replace("\n", "\r\n").encode("utf-8-sig"), "excel.CSV"),
        (CSV.replace(",", ";").encode(), "excel.csv"),
        (CSV.replace(",", "\t").encode(), "<stdin>"),
        (CSV.replace("a,3", '"a", 3 ').encode(), "totals.csv"),
        (NDJSON.encode(), "totals.ndjson"),
        (NDJSON.encode(), "<stdin>"),
        (NDJSON.replace("\n", "\r\n").encode(), "totals.jsonl"),
        (gzip.compress(CSV.encode(), mtime=0), "totals.csv.gz"),
        (gzip.compress(NDJSON.encode(), mtime=0), "<stdin>"),
    ],
)
def test_parse_file_accepts_csv_and_ndjson_variants(content: bytes, name: str) -> None:
    assert read(content, name) == [A, B]


def test_csv_columns_in_any_order_keep_names_verbatim() -> None:
    text = 'likes,views,article_id,comments\n1,2,"a;b\u2028 ""c""",3\n'
    assert read(text) == [ArticleTotals('a;b\u2028 "c"', 2, 3, 1)]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a,-1,0,0,s", "Expected `int` >= 0 - at `$.views`"),
        ("a,1.5,0,0,s", "views is '1.5'"),
        ("a,1 000,0,0,s", "views is '1 000'"),
        ("a,٣,0,0,s", "views is '٣'"),
        ("a,1,,0,s", "comments is ''"),
        ("a,9007199254740992,0,0,s", "<= 9007199254740991"),
        ("a,1,0,0", "4 fields, but the header has 5"),
        (",1,0,0,s", "length >= 1 - at `$.article_id`"),
        ("я" * 129 + ",1,0,0,s", "length <= 128 - at `$.article_id`"),
        ("a,1,0,0," + "s" * 65, "length <= 64 - at `$.site`"),
        ("a\x07,1,0,0,s", "a name contains a control character"),
        ('"a\nb",1,0,0,s', "a name contains a control character"),
    ],
)
def test_invalid_csv_line_is_reported_by_number(row: str, message: str) -> None:
    error = refused(CSV + row + "\n")
    number = 5 if "\n" in row else 4
    assert f"line {number}: " in error
    assert message in error


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "truncated"),
        ("[]", "Expected `object`"),
        ('{"article_id":"a","views":1,"comments":0}', "missing required field `likes`"),
        ('{"article_id":"a","views":"1","comments":0,"likes":0}', "Expected `int`, got `str`"),
        ('{"article_id":"a","views":true,"comments":0,"likes":0}', "Expected `int`, got `bool`"),
        ('{"article_id":"a","views":1,"comments":0,"likes":0,"x":1}', "unknown field `x`"),
        ('{"article_id":"\\u0000","views":1,"comments":0,"likes":0}', "control character"),
        ('{"article_id":' + "[" * 100_000, "recursion"),
    ],
)
def test_invalid_ndjson_line_is_reported_by_number(line: str, message: str) -> None:
    error = refused(NDJSON + "\n" + line, "totals.ndjson")
    assert "line 4: " in error
    assert message in error


def test_duplicate_article_error_names_both_lines() -> None:
    error = refused(CSV + "b,1,1,1,default\na,1,1,1,default\n")
    assert error.splitlines()[1:] == ["line 5: article 'a' of site default is in line 2 already"]


def test_first_twenty_errors_are_shown_and_the_rest_counted() -> None:
    shown = refused(CSV + "x,y,z,0,s\n" * 1234).splitlines()
    assert [line.split(":")[0] for line in shown[1:21]] == [f"line {n}" for n in range(4, 24)]
    assert shown[21:] == ["and 1,214 more"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no column article_id, views, comments, likes"),
        ("article_id,views\na,1\n", "no column comments, likes"),
        (CSV.replace("site", "title"), "column title is unknown"),
        (CSV.replace("site", ""), "column without a name is unknown"),
        (CSV.replace("site", "views"), "a column occurs twice"),
        ("article_id,views,comments,likes\n", "the file contains no totals"),
        (CSV.encode("utf-16"), "line 1 is not UTF-8"),
        (CSV.encode() + b"\xff,1,1,1,s\n", "line 4 is not UTF-8"),
        (gzip.compress(CSV.encode(), mtime=0)[:-9], "not a complete gzip file"),
        (b"\x1f\x8bnonsense", "not a complete gzip file"),
        (CSV + '"a,1,1,1,s\n', "unexpected end of data"),
    ],
)
def test_unreadable_file_is_refused(content: str | bytes, message: str) -> None:
    assert message in refused(content)


def test_digest_depends_on_totals_and_not_on_their_order() -> None:
    assert totals_digest([A, B]) == totals_digest([B, A])
    assert totals_digest([A, B]) != totals_digest([A])
    assert totals_digest([A]) != totals_digest([ArticleTotals("a", 3, 2, 2)])
    assert totals_digest([A]) != totals_digest([ArticleTotals("a", 3, 2, 1, site="s")])
