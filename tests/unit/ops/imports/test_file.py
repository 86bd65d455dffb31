"""Which files of totals are taken, and what is said of the others."""

import gzip
from collections.abc import Sequence

import pytest

from mostread.errors import InvalidFile
from mostread.ops.imports.files import lines
from mostread.ops.imports.totals import Totals, checked, digest

A = Totals("a", 3, 2, 1)
B = Totals("b", 0, 0, 0, site="s")
CSV = "article_id,views,comments,likes,site\na,3,2,1,default\nb,0,0,0,s\n"
NDJSON = (
    '{"article_id":"a","views":3,"comments":2,"likes":1}\n\n'
    '{"likes":0,"comments":0,"views":0,"article_id":"b","site":"s"}'
)


def read(content: str | bytes, name: str = "totals.csv") -> Sequence[Totals]:
    return checked(lines(content if isinstance(content, bytes) else content.encode(), name))


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
def test_a_file_is_csv_or_ndjson_of_many_kinds(content: bytes, name: str) -> None:
    assert read(content, name) == [A, B]


def test_columns_may_stand_in_any_order_and_names_are_kept_as_they_are() -> None:
    text = 'likes,views,article_id,comments\n1,2,"a;b\u2028 ""c""",3\n'
    assert read(text) == [Totals('a;b\u2028 "c"', 2, 3, 1)]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("a,-1,0,0,s", "Expected `int` >= 0 - at `$.views`"),
        ("a,1.5,0,0,s", "views is '1.5'"),
        ("a,1 000,0,0,s", "views is '1 000'"),
        ("a,٣,0,0,s", "views is '٣'"),
        ("a,1,,0,s", "comments is ''"),
        ("a,9007199254740992,0,0,s", "<= 9007199254740991"),
        ("a,1,0,0", "4 fields, and the header has 5"),
        (",1,0,0,s", "length >= 1 - at `$.article_id`"),
        ("я" * 129 + ",1,0,0,s", "length <= 128 - at `$.article_id`"),
        ("a,1,0,0," + "s" * 65, "length <= 64 - at `$.site`"),
        ("a\x07,1,0,0,s", "a name holds a control character"),
        ('"a\nb",1,0,0,s', "a name holds a control character"),
    ],
)
def test_a_wrong_line_of_csv_is_named(row: str, what: str) -> None:
    message = refused(CSV + row + "\n")
    number = 5 if "\n" in row else 4
    assert f"line {number}: " in message
    assert what in message


@pytest.mark.parametrize(
    ("line", "what"),
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
def test_a_wrong_line_of_ndjson_is_named(line: str, what: str) -> None:
    message = refused(NDJSON + "\n" + line, "totals.ndjson")
    assert "line 4: " in message
    assert what in message


def test_an_article_twice_names_both_lines() -> None:
    message = refused(CSV + "b,1,1,1,default\na,1,1,1,default\n")
    assert message.splitlines()[1:] == ["line 5: article 'a' of site default is in line 2 already"]


def test_the_first_twenty_errors_are_shown_and_the_others_counted() -> None:
    shown = refused(CSV + "x,y,z,0,s\n" * 1234).splitlines()
    assert [line.split(":")[0] for line in shown[1:21]] == [f"line {n}" for n in range(4, 24)]
    assert shown[21:] == ["and 1,214 more"]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("", "no column article_id, views, comments, likes"),
        ("article_id,views\na,1\n", "no column comments, likes"),
        (CSV.replace("site", "title"), "column title is not known"),
        (CSV.replace("site", ""), "column without a name is not known"),
        (CSV.replace("site", "views"), "a column comes twice"),
        ("article_id,views,comments,likes\n", "the file holds no totals"),
        (CSV.encode("utf-16"), "line 1 is not UTF-8"),
        (CSV.encode() + b"\xff,1,1,1,s\n", "line 4 is not UTF-8"),
        (gzip.compress(CSV.encode(), mtime=0)[:-9], "no whole gzip file"),
        (b"\x1f\x8bnonsense", "no whole gzip file"),
        (CSV + '"a,1,1,1,s\n', "unexpected end of data"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(content: str | bytes, what: str) -> None:
    assert what in refused(content)


def test_the_same_totals_are_the_same_in_any_order_and_form() -> None:
    assert digest([A, B]) == digest([B, A])
    assert digest([A, B]) != digest([A])
    assert digest([A]) != digest([Totals("a", 3, 2, 2)])
    assert digest([A]) != digest([Totals("a", 3, 2, 1, site="s")])
