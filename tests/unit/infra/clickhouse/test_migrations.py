"""Applied migrations against those of this version."""

from types import SimpleNamespace
from typing import Any

import pytest

from mostread.errors import ClickHouseUnavailable, Misconfigured, SchemaTooNew
from mostread.infra.clickhouse.migrations import (
    applied_migrations,
    check_applied,
    edited_migrations,
    statements,
)
from mostread.infra.schemas import migrations

KNOWN = {int(path.name[:4]): path.stem for path in migrations()}


def client(rows: list[tuple[Any, ...]]) -> Any:
    return SimpleNamespace(query=lambda _: SimpleNamespace(result_rows=rows))


def test_applied_migrations_are_read_from_one_row() -> None:
    assert applied_migrations(client([([(1, "0001_a"), (2, "0002_b")],)])) == {
        1: "0001_a",
        2: "0002_b",
    }


def test_truncated_answer_is_unavailable() -> None:
    with pytest.raises(ClickHouseUnavailable, match="truncated"):
        applied_migrations(client([]))


def test_migration_with_another_digest_is_edited() -> None:
    assert edited_migrations(client([([(1, "0" * 64), (9999, "")],)])) == [KNOWN[1]]
    assert edited_migrations(client([([(9999, "")],)])) == []


def test_check_accepts_the_migrations_of_this_version() -> None:
    check_applied(KNOWN)


def test_check_accepts_a_newer_migration_that_breaks_nothing() -> None:
    check_applied({**KNOWN, 9999: "9999_column"})


def test_check_rejects_a_newer_breaking_migration() -> None:
    with pytest.raises(SchemaTooNew, match="9999_breaking_key"):
        check_applied({**KNOWN, 9999: "9999_breaking_key"})


def test_check_rejects_a_missing_migration() -> None:
    with pytest.raises(Misconfigured, match=r"lacks migration 0001_.*run `mostread init`"):
        check_applied({})


def test_statements_are_split_at_line_ends_and_lose_comments() -> None:
    sql = (
        "-- a comment; with a semicolon\nCREATE TABLE a (b String DEFAULT ';');\n\nDROP TABLE a;\n"
    )
    assert statements(sql) == ["CREATE TABLE a (b String DEFAULT ';')", "DROP TABLE a;"]
