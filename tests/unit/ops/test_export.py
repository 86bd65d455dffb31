"""Names and states of exported files, and the command's errors."""

from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from mostread.cli.export import export
from mostread.core.csv_text import csv_lines
from mostread.ops.export.files import ALL_TIME, ExportFolder, days_between, new_file

HOUR = 3600


def test_days_are_those_of_utc_and_include_the_last() -> None:
    first, last = days_between(date(2026, 2, 28), date(2026, 3, 1))
    assert first == ("2026-02-28", 1_772_236_800, 1_772_323_200)
    assert (last.name, last.start) == ("2026-03-01", first.end)


@pytest.mark.parametrize(
    ("what", "site", "name"),
    [
        ("totals", "", "totals.csv"),
        ("totals", "news", "totals-news.csv"),
        ("hours", "", "hours-2026-11-28.csv"),
        ("hours", "news", "hours-news-2026-11-28.csv"),
    ],
)
def test_file_is_named_by_content_site_and_day(what: str, site: str, name: str) -> None:
    (day,) = days_between(date(2026, 11, 28), date(2026, 11, 28))
    period = ALL_TIME if what == "totals" else day
    assert ExportFolder(Path("x"), what, "csv", site).file(period) == Path("x") / name


def test_file_is_final_once_late_events_are_in_it(tmp_path: Path) -> None:
    (day,) = days_between(date(2026, 11, 28), date(2026, 11, 28))
    folder = ExportFolder(tmp_path, "hours", "csv", "", settles_after=24 * HOUR)
    assert not folder.is_final(day)
    for as_of, final in ((day.end, False), (day.end + 24 * HOUR - 1, False)):
        with new_file(folder.file(day), as_of):
            pass
        assert folder.is_final(day) is final
    with new_file(folder.file(day), day.end + 24 * HOUR):
        pass
    assert folder.is_final(day)


def test_file_without_time_is_never_final(tmp_path: Path) -> None:
    folder = ExportFolder(tmp_path, "totals", "csv", "")
    with new_file(folder.file(ALL_TIME), 2_000_000_000):
        pass
    assert not folder.is_final(ALL_TIME)


def test_interrupted_file_does_not_replace_complete_one(tmp_path: Path) -> None:
    path = tmp_path / "new" / "totals.csv"
    with new_file(path, 1) as out:
        out.write(b"complete")
    (tmp_path / "new" / "totals.csv.part").write_bytes(b"left by kill -9")
    with suppress(OSError), new_file(path, 2) as out:
        out.write(b"half")
        raise OSError("disk full")
    assert path.read_bytes() == b"complete"
    assert [*path.parent.iterdir()] == [path]


def test_csv_guards_formulas_in_any_column() -> None:
    rows = [["=1+1", "a;@b", -3, None, True, ["x", "=y"]], ["+", "-", 1.5, "\t=", False, []]]
    assert csv_lines(rows) == b"'=1+1,a;'@b,-3,,1,x|=y\r\n'+,'-,1.5,'\t'=,0,\r\n"
    assert csv_lines([[1.5, ["=y", "x"]]], ";") == b"1,5;'=y|x\r\n"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--what=hours"], "hours need a first day; add --from, such as --from 20"),
        (["--what=totals", "--from=2026-11-01"], "totals have no time; leave out --from and --to"),
        (["--what=articles", "--to=2026-11-01"], "articles have no time; leave out --from"),
        (
            ["--what=hours", "--from=2026-11-02", "--to=2026-11-01"],
            "--from 2026-11-02 is after 2026-11-01; name an earlier day",
        ),
        (["--what=hours", "--from=2999-01-01"], "--from 2999-01-01 is after 20"),
        (["--what=hours", "--from=yesterday"], "'yesterday' does not match the format '%Y-%m-%d'"),
        (["--what=events", "--from=2026-11-01", "--format=parquet"], "export them as ndjson"),
        (["--what=totals", "--site=a b"], "'a b' is not a name"),
        (["--what=views"], "'views' is not one of"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_command_rejects_what_it_cannot_export(
    tmp_path: Path, arguments: list[str], error: str
) -> None:
    result = CliRunner().invoke(export, [str(tmp_path / "out"), *arguments])
    assert result.exit_code == 2
    assert error in " ".join(result.output.split())
    assert not (tmp_path / "out").exists()
