"""Access log lines as nginx and Apache write them."""

from datetime import UTC, datetime

import pytest

from mostread.ops.access_logs.parser import parse_line

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
COMBINED = (
    '203.0.113.7 - - [10/Oct/2026:13:55:36 +0000] "GET /news/a?b=c HTTP/1.1" 200 2326 '
    f'"https://example.com/" "{AGENT}"'
)
MINUTE = int(datetime(2026, 10, 10, 13, 55, tzinfo=UTC).timestamp()) // 60


def test_parse_line_reads_combined_format() -> None:
    request = parse_line(COMBINED)
    assert request == ("", "203.0.113.7", MINUTE, "GET", "/news/a?b=c", "200", AGENT, "")


def test_parse_line_of_common_format_has_no_user_agent() -> None:
    request = parse_line('::1 - - [10/Oct/2026:13:55:36 +0000] "GET /a HTTP/1.1" 304 -')
    assert (request.address, request.status, request.user_agent) == ("::1", "304", None)
    extended = parse_line('::1 - - [10/Oct/2026:13:55:36 +0000] "GET /a HTTP/1.1" 304 - "one more"')
    assert (extended.user_agent, extended.rest) == (None, ' "one more"')


@pytest.mark.parametrize(
    ("prefix", "host", "address"),
    [
        ("example.com:443 203.0.113.7 - -", "example.com", "203.0.113.7"),
        ("example.com 203.0.113.7 - someone", "example.com", "203.0.113.7"),
        ("[2001:db8::1]:443 203.0.113.7 - -", "[2001:db8::1]", "203.0.113.7"),
        ("[2001:db8::1] 203.0.113.7 - -", "[2001:db8::1]", "203.0.113.7"),
        ("203.0.113.7 - john doe", "", "203.0.113.7"),
        ("203.0.113.7 identity user", "", "203.0.113.7"),
        ("2001:db8::7 - -", "", "2001:db8::7"),
    ],
)
def test_parse_line_splits_host_and_address(prefix: str, host: str, address: str) -> None:
    request = parse_line(COMBINED.replace("203.0.113.7 - -", prefix))
    assert (request.host, request.address) == (host, address)


@pytest.mark.parametrize("rest", [' "198.51.100.1"', ' 0.003 "-" upstream', " "])
def test_parse_line_keeps_additional_fields(rest: str) -> None:
    assert parse_line(COMBINED + rest).rest == rest


@pytest.mark.parametrize(
    ("time", "minutes"),
    [
        ("10/Oct/2026:18:55:36 +0500", 0),
        ("10/Oct/2026:19:25:36 +0530", 0),
        ("10/Oct/2026:10:25:00 -0330", 0),
        ("11/Oct/2026:00:00:00 +0000", 605),
        ("29/Feb/2028:13:55:36 +0000", 507 * 1440),
    ],
)
def test_parse_line_converts_time_zones(time: str, minutes: int) -> None:
    request = parse_line(COMBINED.replace("10/Oct/2026:13:55:36 +0000", time))
    assert request.minute - MINUTE == minutes


@pytest.mark.parametrize(
    ("request_line", "method", "target"),
    [
        ("GET /a b HTTP/2.0", "GET", "/a b"),
        ("GET /a", "GET", "/a"),
        ("GET https://example.com/news/a?b HTTP/1.1", "GET", "/news/a?b"),
        ("GET /%D0%B0 HTTP/1.1", "GET", "/%D0%B0"),
        (r"GET /\xD0\xB0\"\\ HTTP/1.1", "GET", '/а"\\'),
        (r"\x16\x03\x01", "\\x16\\x03\\x01", ""),
        ("-", "-", ""),
        ("", "", ""),
    ],
)
def test_parse_line_splits_method_and_target(request_line: str, method: str, target: str) -> None:
    request = parse_line(COMBINED.replace("GET /news/a?b=c HTTP/1.1", request_line))
    assert (request.method, request.target) == (method, target)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("10/Oct", "31/Feb", "is not a valid time"),
        ("10/Oct", "10/Okt", "is not a valid time"),
        ("2026:13", "2026:25", "is not a valid time"),
        ("2026", "1960", "before 1970"),
        ("203.0.113.7 - -", "203.0.113.7", "format"),
        ("HTTP/1.1", 'HTTP/1.1"', "format"),
        ("200", "OK", "format"),
        (COMBINED, '{"remote_addr": "203.0.113.7"}', "format"),
        (COMBINED, "\x00" * 100, "format"),
    ],
)
def test_parse_line_rejects_other_formats(old: str, new: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_line(COMBINED.replace(old, new))
