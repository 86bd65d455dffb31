"""chdb behind its HTTP front responds to clickhouse-connect as a server does."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from mostread.devstack.servers.clickhouse import LocalClickHouse
from tests.support.servers import connect


@pytest.fixture(name="client")
def _client(clickhouse: LocalClickHouse) -> Iterator[Client]:
    name = f"front_{uuid.uuid4().hex}"
    with connect(clickhouse) as admin:
        admin.command(f"CREATE DATABASE {name}")
        with connect(clickhouse, name) as client:
            yield client
        admin.command(f"DROP DATABASE {name}")


def test_insert_and_select_round_trip_values_of_every_type(client: Client) -> None:
    client.command(
        "CREATE TABLE kinds (n UInt64, s String, i Int32, f Float64, d Date, t DateTime('UTC'), "
        "m DateTime64(3, 'UTC'), u UUID, a Array(String), o Nullable(String), "
        "l LowCardinality(String), h Map(String, UInt8)) ENGINE = MergeTree ORDER BY n"
    )
    row = (
        *(2**64 - 1, "Заголовок 🗞\t'\\\n", -5, 1.5, date(2026, 11, 23)),
        datetime(2026, 11, 23, 19, 0, tzinfo=UTC),
        datetime(2026, 11, 23, 19, 0, 0, 123000, tzinfo=UTC),
        *(uuid.UUID(int=7), ["a", "б"], None, "default", {"views": 1}),
    )
    summary = client.insert("kinds", [row], column_names="*")
    assert summary.written_rows == 1
    assert client.query("SELECT * FROM kinds", tz_mode="aware").result_rows == [row]


@pytest.mark.parametrize("compression", ["lz4", "zstd", "gzip", False])
def test_insert_of_ten_columns_with_every_compression(
    clickhouse: LocalClickHouse, client: Client, compression: str | bool
) -> None:
    """A Native block begins with its number of columns: ten is the byte of a newline."""
    names = [f"c{number}" for number in range(10)]
    client.command(
        f"CREATE TABLE ten ({', '.join(f'{name} UInt64' for name in names)}) "
        "ENGINE = MergeTree ORDER BY c0"
    )
    rows = [tuple(range(first, first + 10)) for first in range(1000)]
    with clickhouse_connect.get_client(
        dsn=clickhouse.url, database=client.database, compress=compression
    ) as packing:
        assert packing.insert("ten", rows, column_names=names).written_rows == 1000
    assert client.query("SELECT * FROM ten ORDER BY c0").result_rows == rows


@pytest.mark.parametrize("compression", ["lz4", "zstd", "gzip", False])
def test_insert_of_many_blocks_is_complete(
    clickhouse: LocalClickHouse, client: Client, compression: str | bool
) -> None:
    """The client sends a block at a time, each as a frame of its own where it compresses."""
    client.command("CREATE TABLE blocks (n UInt64, text String) ENGINE = MergeTree ORDER BY n")
    numbers = list(range(200_000))
    with clickhouse_connect.get_client(
        dsn=clickhouse.url, database=client.database, compress=compression
    ) as packing:
        context = packing.create_insert_context("blocks", ["n", "text"], column_oriented=True)
        context.data = [numbers, [str(number) for number in numbers]]
        context.block_row_count = 70_000
        packing.insert(context=context)
    counted = client.query("SELECT count(), sum(n), uniqExact(text) FROM blocks").result_rows
    assert counted == [(200_000, sum(numbers), 200_000)]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("String", "it's a\ttab, a \\ and a\nnewline"),
        ("UInt64", 2**64 - 1),
        ("Array(String)", ["a'b", "\\", "🗞"]),
        ("Nullable(String)", None),
        ("DateTime64(3)", datetime(2026, 11, 23, 19, 0, 0, 1000)),  # noqa: DTZ001
    ],
)
def test_typed_parameters_round_trip(client: Client, kind: str, value: object) -> None:
    result = client.query(f"SELECT {{value:{kind}}}", parameters={"value": value})
    assert result.result_rows == [(value,)]


def test_long_parameters_are_read_from_the_form(client: Client) -> None:
    ids = [f"article-{number}" for number in range(20_000)]
    counted = client.query(
        "SELECT length({ids:Array(String)}), {ids:Array(String)}[-1]", parameters={"ids": ids}
    )
    assert counted.result_rows == [(20_000, "article-19999")]


def test_settings_apply_to_one_statement_only(client: Client) -> None:
    query = "SELECT getSetting('max_block_size')"
    assert client.query(query, settings={"max_block_size": 123}).result_rows == [(123,)]
    assert client.query(query).result_rows != [(123,)]
    client.command("SET max_block_size = 321")
    assert client.query(query).result_rows != [(321,)]


def test_database_name_is_quoted(client: Client) -> None:
    client.command("CREATE DATABASE `a\\`b; c`")
    try:
        client.database = "a`b; c"
        assert client.query("SELECT currentDatabase()").result_rows == [("a`b; c",)]
    finally:
        client.database = "default"
        client.command("DROP DATABASE `a\\`b; c`")


def test_concurrent_requests_use_their_own_database(clickhouse: LocalClickHouse) -> None:
    names = [f"mix_{number}_{uuid.uuid4().hex}" for number in range(4)]
    with connect(clickhouse) as admin:
        for name in names:
            admin.command(f"CREATE DATABASE {name}")
            admin.command(f"CREATE TABLE {name}.t (who String) ENGINE = MergeTree ORDER BY who")

        def use(name: str) -> None:
            with connect(clickhouse, name) as mine:
                for _ in range(25):
                    mine.insert("t", [[name]], column_names=["who"])
                    assert mine.query("SELECT DISTINCT who FROM t").result_rows == [(name,)]

        with ThreadPoolExecutor(len(names)) as pool:
            list(pool.map(use, names))
        for name in names:
            assert admin.query(f"SELECT count() FROM {name}.t").result_rows == [(25,)]
            admin.command(f"DROP DATABASE {name}")


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT * FROM missing", 60),
        ("SELECT missing", 47),
        ("SELECT 1 FROM missing.missing", 81),
        ("SELECT 1 +", 62),
        ("SELECT 1; SELECT 2", 62),
        ("SELECT {unset:UInt8}", 456),
        ("SELECT throwIf(1)", 395),
    ],
)
def test_error_carries_code_and_keeps_connection_usable(
    client: Client, sql: str, code: int
) -> None:
    with pytest.raises(DatabaseError) as raised:
        client.command(sql)
    assert str(raised.value.code) == str(code)
    assert client.command("SELECT 1") == 1


def test_insert_into_missing_table_or_column_fails(client: Client) -> None:
    with pytest.raises(DatabaseError, match="UNKNOWN_TABLE"):
        client.raw_insert("missing", ["a"], b"\x01\x00", fmt="Native")
    client.command("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
    with pytest.raises(DatabaseError, match="NO_SUCH_COLUMN_IN_TABLE"):
        client.raw_insert("t", ["b"], b'{"b":1}\n', fmt="JSONEachRow")
    with pytest.raises(DatabaseError, match="CANNOT_READ_ALL_DATA"):
        client.raw_insert("t", ["a"], b"\x01\x09torn", fmt="Native")
    assert client.command("SELECT count() FROM t") == 0


def test_reads_continue_during_a_long_insert(client: Client, clickhouse: LocalClickHouse) -> None:
    client.command("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
    running = "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO t SELECT%'"
    with connect(clickhouse, str(client.database)) as writer, ThreadPoolExecutor(1) as pool:
        inserting = pool.submit(
            # Half a second at least, whatever the machine: the insert sleeps between its blocks.
            writer.command,
            "INSERT INTO t SELECT number + sleepEachRow(0.05) FROM numbers(10) "
            "SETTINGS max_block_size = 1",
        )
        seen = 0
        while not inserting.done():
            seen += client.query(running).result_rows == [(1,)]
        inserting.result()
    assert seen > 1, "no read was answered while the insert ran"
    assert client.command("SELECT count() FROM t") == 10


def test_insert_that_fails_after_parsing_reports_the_error(client: Client) -> None:
    client.command("CREATE TABLE small (n UInt32, CONSTRAINT few CHECK n < 5) ORDER BY n")
    with pytest.raises(DatabaseError, match="VIOLATED_CONSTRAINT"):
        client.insert("small", [[1], [7]], column_names=["n"])
    client.command(
        "CREATE TABLE full (n UInt32) ORDER BY n"
        " SETTINGS min_free_disk_bytes_to_perform_insert = 100000000000000000"
    )
    with pytest.raises(DatabaseError, match="NOT_ENOUGH_SPACE"):
        client.insert("full", [[1]], column_names=["n"])
    assert client.command("SELECT count() FROM small") == 0
