"""The user `mostread_analyst` of deploy/clickhouse/grants.sql: its rights, and its limits.

The embedded engine stores no users, so the roles, the definer of the views and the profile are in
its configuration, made from the statements of that file.
"""

import re
from pathlib import Path

from mostread.infra.clickhouse.migrations import statements
from mostread.infra.schemas import migrations
from tests.support.engine import run_engine, users_config
from tests.support.tls.secure_clickhouse import EVERYTHING, grants
from tests.support.tls.secure_clickhouse import statements as granting
from tests.support.tls.secured import GRANTS

SQL = GRANTS.read_text()
VIEWS = ("totals", "freshness", "hours", "days", "minutes", "articles", "decisions", "aliases")
SETTING = re.compile(r"(\w+) = (\d+)(?: MIN (\d+) MAX (\d+))?( CONST)?")
USER = """
<{name}>
  <password></password><networks><ip>::/0</ip></networks>
  <profile>{profile}</profile><quota>default</quota>
  <grants>{grants}</grants>
</{name}>
"""


def users(profile: str = "default") -> str:
    """Return users.xml with the roles of grants.sql, and its profile `mostread_analyst`.

    The definer of the views has the rights of `mostread_init`.
    """
    granted = {**grants(SQL), EVERYTHING: ["GRANT ALL ON *.*"]}
    queries = {
        name: "".join(f"<query>{each}</query>" for each in each) for name, each in granted.items()
    }
    roles = "".join(f"<{name}><grants>{each}</grants></{name}>" for name, each in queries.items())
    own = f"<query>GRANT {', '.join(granted)}</query><query>GRANT SET DEFINER ON *</query>"
    profiles = [each for each in granting(SQL) if each.startswith("CREATE SETTINGS PROFILE")]
    (create,) = [each for each in profiles if "mostread_analyst" in each]
    values, limits = "", ""
    for name, value, least, most, constant in SETTING.findall(create):
        values += f"<{name}>{value}</{name}>"
        if most:
            limits += f"<{name}><min>{least}</min><max>{most}</max></{name}>"
        elif constant:
            limits += f"<{name}><const/></{name}>"
    return f"""<clickhouse>
  <profiles>
    <default/>
    <analyst>{values}<constraints>{limits}</constraints></analyst>
  </profiles>
  <quotas><default/></quotas>
  <roles>{roles}</roles>
  <users>
    {USER.format(name="default", profile=profile, grants=own)}
    {USER.format(name="definer", profile="default", grants=queries["mostread_init"])}
  </users>
</clickhouse>"""


def test_analyst_reads_views_alone(tmp_path: Path) -> None:
    created = [
        statement.replace("DEFINER = CURRENT_USER", "DEFINER = definer")
        for path in migrations()
        for statement in statements(path.read_text())
    ]
    prepared = [
        f"SET ROLE {EVERYTHING}",
        "CREATE DATABASE mostread",
        "USE mostread",
        *created,
        "INSERT INTO counter_versions (site, grain, article_id, views) SELECT 's', 'total', 'a', 3",
        "SET ROLE mostread_analyst",
    ]
    allowed = [f"SELECT * FROM {view}" for view in VIEWS]
    allowed.append("SELECT name FROM system.tables WHERE database = 'mostread' ORDER BY name")
    denied = [
        *(f"SELECT * FROM {table}" for table in ("counter_versions", "placement_log")),
        "SELECT * FROM article_versions",
        "SELECT site FROM checkpoint_versions",
        "INSERT INTO totals SELECT 's', 'a', 1, 1, 1",
        "DROP VIEW totals",
        "CREATE TABLE own (a Int8) ENGINE = Memory",
        "SELECT * FROM file('/etc/hostname', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString', 'a String')",
    ]
    answers = run_engine([*prepared, *allowed, *denied], users_config(users(), tmp_path))
    answers = answers[len(prepared) :]
    assert answers[: len(allowed)] == [
        "s\ta\t3\t0\t0\n",
        "\\N\n",
        *[""] * (len(VIEWS) - 2),
        "\n".join(sorted(VIEWS)) + "\n",
    ]
    for sql, answer in zip(denied, answers[len(allowed) :], strict=True):
        assert answer.startswith("refused"), sql
        assert "Not enough privileges" in answer or "Unknown table" in answer, answer


def test_profile_limits_time_memory_and_threads(tmp_path: Path) -> None:
    expected = {
        "SELECT 1 SETTINGS max_execution_time = 30, max_threads = 1": "1\n",
        "SELECT 1 SETTINGS max_execution_time = 0": "shouldn't be less than 1",
        "SELECT 1 SETTINGS max_execution_time = 601": "shouldn't be greater than 600",
        "SELECT 1 SETTINGS max_memory_usage = 0": "shouldn't be less than 1",
        "SELECT 1 SETTINGS max_threads = 5": "shouldn't be greater than 4",
        "SELECT getSetting('max_memory_usage'), getSetting('max_execution_time')": "2000000000\t60",
        "SELECT groupArray(number) FROM numbers(9000000) SETTINGS max_memory_usage = 9000000": (
            "memory limit exceeded"
        ),
        "SELECT count() FROM system.numbers SETTINGS max_execution_time = 1": "Timeout exceeded",
        "CREATE TABLE own (a Int8) ENGINE = Memory": "readonly mode",
        "SET readonly = 0": "readonly mode",
    }
    answers = run_engine([*expected], users_config(users("analyst"), tmp_path))
    for (sql, text), answer in zip(expected.items(), answers, strict=True):
        assert text in answer, f"{sql}: {answer}"
