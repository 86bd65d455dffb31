"""The summary of `mostread import-logs`."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from click.testing import CliRunner

from mostread.cli.import_logs import import_logs
from tests.support.access_logs import BOT, BROWSER, line

START = datetime(2026, 2, 5, 7, 0, tzinfo=UTC)


def summary(files: Mapping[Path, str], *options: str) -> str:
    for path, text in files.items():
        path.write_text(text)
    arguments = ["--dry-run", "--article", "^/news/([^/?]+)", *options, *map(str, files)]
    done = CliRunner().invoke(import_logs, arguments, catch_exceptions=False)
    return done.output.replace(f"{next(iter(files)).parent}/", "")


def test_summary_gives_reasons_and_an_example_of_each(tmp_path: Path) -> None:
    lines = [
        line(START),
        line(START + timedelta(minutes=1)),
        line(START, agent=BOT),
        line(START, "/about"),
        line(START, "/about"),
        line(START, status=404),
        line(START, method="HEAD"),
        line(START, rest=" prefetch"),
        line(START - timedelta(days=9)),
        "\n",
        line(START, agent=None),
        "nonsense\x1b[31m\n",
    ]
    output = summary({tmp_path / "access.log": "".join(lines)}, "--since", "2026-02-01")
    common = lines[10].rstrip()[:80]
    assert output.splitlines() == [
        "format       combined",
        "lines                    11",
        "views                     1  of 1 articles, from 2026-02-05T07:00Z to 2026-02-05T07:00Z",
        "repeated                  1  same reader (address and user agent) within the half hour; "
        "access.log:2: /news/a",
        f"bots                      1  by user agent; access.log:3: {BOT}",
        "prefetched                1  may never have been seen; access.log:8: /news/a",
        "no article                2  by --article; access.log:4: /about",
        "other status              1  neither 200 nor 304; access.log:6: 404 /news/a",
        "not GET                   1  another method; access.log:7: HEAD /news/a",
        "out of range              1  of --since and --until; access.log:9: /news/a",
        "malformed                 2",
        "  access.log:11: no user agent, which other lines of the file have: " + repr(common),
        r"  access.log:12: not in the combined format: 'nonsense\x1b[31m'",
        "Most viewed:",
        "  1.           1  a",
        "would import log-" + output.rpartition("log-")[2].strip(),
    ]


def test_summary_names_formats_of_files_and_logs_without_user_agents(tmp_path: Path) -> None:
    output = summary(
        {
            tmp_path / "a.log": line(START),
            tmp_path / "b.log": line(START, agent=None, address="203.0.113.9"),
            tmp_path / "c.log": line(START, agent=None, address="203.0.113.10"),
            tmp_path / "error.log": "[notice] started\n",
        }
    )
    assert "format       combined: a.log\n" in output
    assert "format       common: b.log, c.log\n" in output
    assert "format       unknown: error.log\n" in output
    assert "error.log:1: not in a known format: '[notice] started'" in output
    assert "Logs without user agents contain 2 of the requests for articles" in output


def test_summary_points_out_addresses_of_a_proxy(tmp_path: Path) -> None:
    proxied = "".join(
        line(START, address="10.0.0.9", rest=f' "203.0.113.{number}"') for number in range(5)
    )
    log = {tmp_path / "access.log": proxied}
    output = summary(log)
    assert "views                     1 " in output
    assert (
        "In access.log, the last field contains addresses, such as 203.0.113.0; if they are the "
        "readers', pass --client-from last." in output
    )
    assert "5 of 5 requests come from private addresses such as 10.0.0.9" in output
    output = summary(log, "--client-from", "last")
    assert "views                     5 " in output
    assert "addresses" not in output


def test_tracker_and_import_name_a_page_the_same(tmp_path: Path) -> None:
    paths = {
        "/news/AC%2FDC%3F?utm_source=x&page=2": "/news/AC%2FDC%3F?page=2",
        "/news/Z%C3%BCrich": "/news/Zürich",
        "/news/Zu%CC%88rich": "/news/Zürich",
        r"/news/Z\xC3\xBCrich": "/news/Zürich",
        "/" + "x" * 200: "x" * 128,
    }
    log = tmp_path / "access.log"
    log.write_text("".join(line(START, path, agent=BROWSER) for path in paths))
    done = CliRunner().invoke(import_logs, ["--dry-run", "--article", "^(/.+)", str(log)])
    listed = {entry.split(maxsplit=2)[2] for entry in done.output.splitlines() if "1  /" in entry}
    assert listed == {name for name in paths.values() if name.startswith("/")}
    assert "of 3 articles" in done.output
