"""The HTTP front of chdb over plain HTTP, as curl or a simple driver uses it."""

import base64
import gzip
import http.client
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import lz4.frame
import pytest
import zstandard

from mostread.devstack.servers.clickhouse import LocalClickHouse
from tests.support.servers import running_clickhouse


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    headers: http.client.HTTPMessage


def ask(
    server: LocalClickHouse,
    method: str = "POST",
    path: str = "/",
    *,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    **arguments: str,
) -> Reply:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    try:
        connection.request(method, f"{path}?{urlencode(arguments)}", body, headers or {})
        response = connection.getresponse()
        return Reply(response.status, response.read(), response.headers)
    finally:
        connection.close()


def test_ping_and_empty_request_respond_ok(clickhouse: LocalClickHouse) -> None:
    assert ask(clickhouse, "GET", "/ping").body == b"Ok.\n"
    assert ask(clickhouse, "GET").body == b"Ok.\n"


def test_format_by_query_header_or_parameter(clickhouse: LocalClickHouse) -> None:
    in_sql = ask(clickhouse, "GET", query="SELECT 1 AS a FORMAT JSONEachRow")
    in_header = ask(clickhouse, body=b"SELECT 1 AS a", headers={"X-ClickHouse-Format": "CSV"})
    in_url = ask(clickhouse, body=b"SELECT 1 AS a", default_format="JSONEachRow")
    assert in_sql.body == in_url.body == b'{"a":1}\n'
    assert in_sql.headers["X-ClickHouse-Format"] == "JSONEachRow"
    assert in_header.body == b"1\n"
    assert ask(clickhouse, body=b"SELECT 1, 'a'").body == b"1\ta\n"


def test_statement_may_be_split_between_url_and_body(clickhouse: LocalClickHouse) -> None:
    reply = ask(clickhouse, query="SELECT {x:String}", body=b"|| '!'", param_x="hi", query_id="q-1")
    assert reply.body == b"hi!\n"
    assert reply.headers["X-ClickHouse-Query-Id"] == "q-1"


@pytest.mark.parametrize(
    "statement",
    [
        b'INSERT INTO plain (a, `b`) FORMAT JSONEachRow\n{"a":1,"b":"FORMAT x"}\n',
        b'insert into default.plain settings async_insert=0 format JSONEachRow {"a":1,"b":"y"}',
        b"INSERT INTO plain VALUES (1, 'not FORMAT Native')",
        b"INSERT INTO plain SELECT 1, 'x'",
    ],
)
def test_insert_statement_variants(clickhouse: LocalClickHouse, statement: bytes) -> None:
    ask(clickhouse, body=b"CREATE OR REPLACE TABLE plain (a UInt8, b String) ORDER BY a")
    reply = ask(clickhouse, body=statement)
    assert (reply.status, reply.body) == (200, b"")
    assert '"written_rows": "1"' in reply.headers["X-ClickHouse-Summary"]
    assert ask(clickhouse, body=b"SELECT count() FROM plain").body == b"1\n"


@pytest.mark.parametrize(
    ("statement", "status", "code"),
    [
        (b"SELECT * FROM missing", 404, "60"),
        (b"SELECT 1 +", 400, "62"),
        (b"SELECT throwIf(1)", 500, "395"),
        (b"\xff\xfe", 400, "62"),
    ],
)
def test_error_has_clickhouse_status_and_code(
    clickhouse: LocalClickHouse, statement: bytes, status: int, code: str
) -> None:
    reply = ask(clickhouse, body=statement)
    assert reply.status == status
    assert reply.headers["X-ClickHouse-Exception-Code"] == code
    assert reply.body.startswith(f"Code: {code}. DB::Exception".encode())


def test_unsupported_features_are_refused(clickhouse: LocalClickHouse) -> None:
    assert ask(clickhouse, body=b"SELECT 1", compress="1").status == 501
    assert ask(clickhouse, body=b"x", headers={"Content-Encoding": "br"}).status == 501
    assert ask(clickhouse, body=b"x", headers={"Content-Encoding": "gzip"}).status == 400
    for encoding, packed in {
        "gzip": gzip.compress(b"SELECT 1"),
        "lz4": lz4.frame.compress(b"SELECT 1"),
        "zstd": zstandard.compress(b"SELECT 1"),
    }.items():
        headers = {"Content-Encoding": encoding}
        assert ask(clickhouse, body=packed, headers=headers).body == b"1\n"
        for cut in (packed[:-1], packed + packed[:-1]):
            assert ask(clickhouse, body=cut, headers=headers).status == 400, encoding
    assert ask(clickhouse, body=b"SELECT 1", no_such_setting="1").status == 404


def test_get_request_is_read_only(clickhouse: LocalClickHouse) -> None:
    reply = ask(clickhouse, "GET", query="CREATE TABLE by_link (a UInt8) ORDER BY a")
    assert reply.headers["X-ClickHouse-Exception-Code"] == "164"
    assert ask(clickhouse, body=b"EXISTS by_link").body == b"0\n"


def test_password_is_required_if_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOSTREAD_CLICKHOUSE_PASSWORD", "sécret")
    with running_clickhouse(tmp_path) as server:
        basic = base64.b64encode("default:sécret".encode()).decode()
        assert ask(server, body=b"SELECT 1").status == 403
        assert ask(server, body=b"SELECT 1", password="wrong").status == 403
        assert ask(server, body=b"SELECT 1", password="sécret").status == 200
        right = {"Authorization": f"Basic {basic}"}
        assert ask(server, body=b"SELECT 1", headers=right).status == 200
        wrong = {"Authorization": "Basic !"}
        refused = ask(server, body=b"SELECT 1", headers=wrong)
        assert refused.headers["X-ClickHouse-Exception-Code"] == "516"
