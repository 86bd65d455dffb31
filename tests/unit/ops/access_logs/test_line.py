"""Lines of access logs as real servers write them."""

from datetime import UTC, datetime

import pytest

from mostread.ops.access_logs.parser import parse

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
COMBINED = (
    '203.0.113.7 - - [10/Oct/2026:13:55:36 +0000] "GET /news/a?b=c HTTP/1.1" 200 2326 '
    f'"https://example.com/" "{AGENT}"'
)
MINUTE = int(datetime(2026, 10, 10, 13, 55, tzinfo=UTC).timestamp()) // 60


def test_the_combined_format() -> None:
    found = parse(COMBINED)
    assert found == ("", "203.0.113.7", MINUTE, "GET", "/news/a?b=c", "200", AGENT, "")


def test_the_common_format_names_no_agent() -> None:
    found = parse('::1 - - [10/Oct/2026:13:55:36 +0000] "GET /a HTTP/1.1" 304 -')
    assert (found.address, found.status, found.agent) == ("::1", "304", None)
    more = parse('::1 - - [10/Oct/2026:13:55:36 +0000] "GET /a HTTP/1.1" 304 - "one more"')
    assert (more.agent, more.rest) == (None, ' "one more"')


@pytest.mark.parametrize(
    ("before", "host", "address"),
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
def test_what_stands_before_the_time(before: str, host: str, address: str) -> None:
    found = parse(COMBINED.replace("203.0.113.7 - -", before))
    assert (found.host, found.address) == (host, address)


@pytest.mark.parametrize("rest", [' "198.51.100.1"', ' 0.003 "-" upstream', " "])
def test_what_stands_behind(rest: str) -> None:
    assert parse(COMBINED + rest).rest == rest


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
def test_time_is_understood_in_its_zone(time: str, minutes: int) -> None:
    found = parse(COMBINED.replace("10/Oct/2026:13:55:36 +0000", time)).minute - MINUTE
    assert found == minutes


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
def test_what_was_asked_for(request_line: str, method: str, target: str) -> None:
    found = parse(COMBINED.replace("GET /news/a?b=c HTTP/1.1", request_line))
    assert (found.method, found.target) == (method, target)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("10/Oct", "31/Feb", "is no time"),
        ("10/Oct", "10/Okt", "is no time"),
        ("2026:13", "2026:25", "is no time"),
        ("2026", "1960", "before 1970"),
        ("203.0.113.7 - -", "203.0.113.7", "format"),
        ("HTTP/1.1", 'HTTP/1.1"', "format"),
        ("200", "OK", "format"),
        (COMBINED, '{"remote_addr": "203.0.113.7"}', "format"),
        (COMBINED, "\x00" * 100, "format"),
    ],
)
def test_what_is_no_such_line(old: str, new: str, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        parse(COMBINED.replace(old, new))
