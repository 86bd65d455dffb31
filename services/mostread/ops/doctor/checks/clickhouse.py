"""Does ClickHouse answer, and are its tables those of this version?"""

import re
from collections.abc import Iterator

from mostread.errors import Misconfigured
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.clickhouse.migrations import BREAKING
from mostread.infra.schemas import migrations
from mostread.ops.doctor.findings import Finding, forbidden, ok, problem, warning
from mostread.ops.inspection.clients import ForbiddenError, NotReachedError, Way

_NO_TABLE = "60"
_TABLE = re.compile(r"^CREATE TABLE IF NOT EXISTS (\w+)", re.MULTILINE)


def clickhouse(way: Way) -> Iterator[Finding]:
    """Whether it answers, knows us, and has the database."""
    try:
        ((version, user, database),) = way.query("server")
    except NotReachedError as error:
        if error.part != "ClickHouse":
            raise
        url = way.settings(ClickHouseSettings).clickhouse_url
        if isinstance(error.why, Misconfigured):
            yield problem(f"{url}: {error.why}", "Change what it names, then run this again.")
        else:
            yield problem(
                f"{url}: {error.why}",
                "See whether it runs and can be reached from here (`mostread up` starts one on "
                "this machine); MOSTREAD_CLICKHOUSE_URL says where it is.",
            )
        return
    url = way.settings(ClickHouseSettings).clickhouse_url
    yield ok(f"ClickHouse {version} answers at {url}, as {user}, database {database}")


def tables(way: Way) -> Iterator[Finding]:
    """Whether all migrations were made, no more, and the tables are there and take rows."""
    there = {row[0] for row in way.query("tables")}
    applied = _applied(way)
    files = {int(path.name[:4]): path for path in migrations()}
    findings = []
    newer = [applied[number] for number in sorted(applied.keys() - files.keys())]
    if broken := [name for name in newer if BREAKING in name]:
        findings.append(
            problem(
                f"the database has migration {broken[-1]}, which this mostread does not know and "
                "would do harm to",
                "It was made by a newer mostread: run that one, here and as services.",
            )
        )
    elif newer:
        findings.append(
            warning(
                f"the database has migration {newer[-1]}, which this mostread does not know",
                "It was made by a newer mostread, and this one works beside it: finish the "
                "upgrade. `mostread init` of this version refuses to run on it.",
            )
        )
    if missing := sorted(files.keys() - applied.keys()):
        names = ", ".join(files[number].stem for number in missing)
        findings.append(
            problem(
                f"the database lacks {'every migration' if not applied else names}",
                "`mostread init` makes them; run it before the services of this version.",
            )
        )
    wanted = {
        name
        for number in files.keys() & applied.keys()
        for name in _TABLE.findall(files[number].read_text(encoding="utf-8"))
    }
    gone, unseen = _absent(way, sorted(wanted - there))
    if unseen:
        findings.append(forbidden(f"SELECT on {', '.join(unseen)}"))
    if gone:
        findings.append(
            problem(
                f"a migration was made, and its table is not there: {', '.join(gone)}",
                "Somebody dropped it. Restore it from a backup; counters can be counted again "
                "from the log by `mostread rebuild` once the table is there.",
            )
        )
    findings += _exchange(way) if {"counters", "checkpoints"} <= there else ()
    findings += _read_only(way)
    yield from findings
    if not findings:
        yield ok(f"all {len(files)} migrations are made, and all tables are there")


def _applied(way: Way) -> dict[int, str]:
    try:
        return way.applied_migrations()
    except Misconfigured as error:
        if _is_no_table(error):
            return {}
        raise


def _absent(way: Way, unlisted: list[str]) -> tuple[list[str], list[str]]:
    """Tell tables that are not there from those of which ClickHouse lets us see nothing."""
    gone, unseen = [], []
    for table in unlisted:
        try:
            way.query("table_exists", table=table)
        except ForbiddenError:
            unseen.append(table)
        except Misconfigured as error:
            if not _is_no_table(error):
                raise
            gone.append(table)
    return gone, unseen


def _is_no_table(error: Misconfigured) -> bool:
    return str(getattr(error.__cause__, "code", "")) == _NO_TABLE


def _exchange(way: Way) -> Iterator[Finding]:
    rebuilds = {expression for _, expression in way.query("epochs")}
    if len(rebuilds) > 1:
        yield problem(
            "`mostread rebuild` was cut off while it exchanged the tables; nothing is counted",
            "Run `mostread rebuild` again: it finishes the exchange.",
        )


def _read_only(way: Way) -> Iterator[Finding]:
    try:
        names = [row[0] for row in way.query("readonly_replicas")]
    except ForbiddenError:
        return  # an operator of ClickHouse will know
    if names:
        yield problem(
            f"replicated tables take no rows just now: {', '.join(names)}",
            "This replica has lost ClickHouse Keeper: look at its log and its connection to it.",
        )
