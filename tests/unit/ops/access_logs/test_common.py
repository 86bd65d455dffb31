"""Lines in the common and the combined format, as servers write them."""

from datetime import UTC, datetime

import pytest

from mostread.ops.access_logs.request import LoggedRequest
from tests.support.log_formats import detected, read

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
COMBINED = (
    '203.0.113.7 - - [10/Oct/2026:13:55:36 +0000] "GET /news/a?b=c HTTP/1.1" 200 2326 '
    f'"https://example.com/" "{AGENT}"'
)
MINUTE = int(datetime(2026, 10, 10, 13, 55, tzinfo=UTC).timestamp()) // 60
REQUEST = LoggedRequest("", "203.0.113.7", MINUTE, "GET", "/news/a?b=c", "200", AGENT, False)


def parse(line: str, *others: str, **options: str) -> LoggedRequest:
    """Return the request of a line in a file that also has `others`."""
    log_format = detected([*others, line], **options)  # type: ignore[arg-type]
    (result,) = read([line], log_format)
    assert isinstance(result, LoggedRequest), result
    return result


def error(line: str, *others: str) -> str:
    (result,) = read([line], detected([*others, line]))
    assert isinstance(result, str), result
    return result


def test_combined_format_is_read() -> None:
    assert detected([COMBINED]).name == "combined"
    assert parse(COMBINED) == REQUEST


def test_common_format_has_no_user_agent() -> None:
    request = parse('::1 - - [10/Oct/2026:13:55:36 +0000] "GET /a HTTP/1.1" 304 -')
    assert (request.network, request.status, request.user_agent) == ("::/64", "304", None)
    extended = parse('::1 - - [10/Oct/2026:13:55:36 +0000] "GET /a HTTP/1.1" 304 - "one more" 3')
    assert extended.user_agent is None


@pytest.mark.parametrize(
    ("head", "host", "network"),
    [
        ("example.com:443 203.0.113.7 - -", "example.com", "203.0.113.7"),
        ("Example.com 203.0.113.7 - someone", "example.com", "203.0.113.7"),
        ("[2001:db8::1]:443 203.0.113.7 - -", "[2001:db8::1]", "203.0.113.7"),
        ("[2001:db8::1] 203.0.113.7 - -", "[2001:db8::1]", "203.0.113.7"),
        ("203.0.113.7 - john doe", "", "203.0.113.7"),
        ("203.0.113.7 - doe, john", "", "203.0.113.7"),
        ("203.0.113.7 identity user", "", "203.0.113.7"),
        ("203.0.113.7 news.example someone", "news.example", "203.0.113.7"),
        ("203.0.113.7:4711 - -", "", "203.0.113.7"),
        ("2001:db8:1:2::7 - -", "", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7 - -", "", "203.0.113.7"),
        ("dsl-7.isp.example - -", "", "dsl-7.isp.example"),
        ("example.com dsl-7.isp.example - -", "example.com", "dsl-7.isp.example"),
        ("203.0.113.xxx - -", "", "203.0.113.xxx"),
        # X-Forwarded-For first
        ("203.0.113.7, 10.0.0.9 - -", "", "203.0.113.7"),
        ("203.0.113.7,10.0.0.9 - -", "", "203.0.113.7"),
        ("203.0.113.7 , 10.0.0.9 - -", "", "203.0.113.7"),
        ("192.168.1.5, 203.0.113.7, 10.0.0.9 - -", "", "203.0.113.7"),
        ("unknown, 203.0.113.7 - -", "", "203.0.113.7"),
        ('"203.0.113.7, 10.0.0.9" - -', "", "203.0.113.7"),
        ('"203.0.113.7, 10.0.0.9" 127.0.0.1 - -', "", "203.0.113.7"),
        ("203.0.113.7, 10.0.0.9 127.0.0.1 - -", "", "203.0.113.7"),
        ("203.0.113.7 127.0.0.1 - -", "", "203.0.113.7"),
        ("- 203.0.113.7 - -", "", "203.0.113.7"),
        ('"-" 203.0.113.7 - -', "", "203.0.113.7"),
        ("example.com 203.0.113.7, 10.0.0.9 - -", "example.com", "203.0.113.7"),
        ('example.com "203.0.113.7, 10.0.0.9" 127.0.0.1 - -', "example.com", "203.0.113.7"),
    ],
)
def test_fields_before_the_time_are_split(head: str, host: str, network: str) -> None:
    request = parse(COMBINED.replace("203.0.113.7 - -", head))
    assert (request.host, request.network) == (host, network)


def test_first_of_two_addresses_is_a_virtual_host_if_readers_vary_in_the_second() -> None:
    hosts = [
        COMBINED.replace("203.0.113.7", f"192.0.2.1 203.0.113.{number}") for number in range(9)
    ]
    assert parse(hosts[3], *hosts).network == "203.0.113.3"
    assert parse(hosts[3], *hosts).host == "192.0.2.1"
    proxied = [
        COMBINED.replace("203.0.113.7", f"203.0.113.{number} 192.0.2.1") for number in range(9)
    ]
    assert parse(proxied[3], *proxied).network == "203.0.113.3"
    named = [COMBINED.replace("203.0.113.7", f"news.example 203.0.113.{n}") for n in range(9)]
    assert parse(hosts[3], *named).host == "192.0.2.1"


@pytest.mark.parametrize(
    ("head", "trusted", "network"),
    [
        ("198.51.100.66, 203.0.113.7, 192.0.2.9 - -", "192.0.2.0/24", "203.0.113.7"),
        ("198.51.100.66, 203.0.113.7 192.0.2.9 - -", "192.0.2.0/24", "203.0.113.7"),
        ("198.51.100.66, 203.0.113.7 - -", "192.0.2.0/24", "203.0.113.7"),
        ("192.0.2.9 - -", "192.0.2.0/24", "192.0.2.9"),
        ("- 203.0.113.7 - -", "192.0.2.0/24", "203.0.113.7"),
    ],
)
def test_reader_is_the_last_address_that_is_no_trusted_proxy(
    head: str, trusted: str, network: str
) -> None:
    assert parse(COMBINED.replace("203.0.113.7 - -", head), trusted=trusted).network == network


def test_reader_is_in_the_last_field_by_client_from() -> None:
    proxied = COMBINED.replace("203.0.113.7", "10.0.0.9") + ' "198.51.100.1, 10.0.0.8"'
    assert parse(proxied).network == "10.0.0.9"
    assert "pass --client-from last" in detected([proxied]).notes[0]
    assert "198.51.100.1, 10.0.0.8" in detected([proxied]).notes[0]
    assert parse(proxied, client_from="last").network == "198.51.100.1"
    assert detected([proxied], client_from="last").notes == []
    direct = COMBINED + ' "-"'
    assert parse(direct, client_from="last").network == "203.0.113.7"
    assert detected([direct]).notes == []
    absent = [COMBINED + ' "unknown"', COMBINED + ' "_hidden"']
    assert read(absent, detected([proxied], client_from="last")) == [REQUEST, REQUEST]
    (wrong,) = read([COMBINED + ' "www.example.com"'], detected([proxied], client_from="last"))
    assert "no address in the field of --client-from: 'www.example.com'" in str(wrong)
    (missing,) = read([COMBINED], detected([proxied], client_from="last"))
    assert "no quoted field" in str(missing)
    (unnamed,) = read([proxied], detected([proxied], client_from="X-Forwarded-For"))
    assert "pass --client-from last" in str(unnamed)


@pytest.mark.parametrize(
    ("rest", "name"),
    [
        (" 198.51.100.1", "further field 1"),
        (' 0.003 "x" 198.51.100.1', "further field 3"),
        (' rt=1 xff="198.51.100.1, 10.0.0.8"', "further field 2"),
        (' "198.51.100.1" "x"', "further field 1"),
        (" 203.0.113.7 10.0.0.8:8080 - 0.003", None),
    ],
)
def test_field_with_other_addresses_is_noted(rest: str, name: str | None) -> None:
    notes = detected([COMBINED + rest, COMBINED + rest, COMBINED]).notes
    assert [note.partition(" contains addresses, such as ")[0] for note in notes] == (
        [] if name is None else [name]
    )
    assert all("pass --client-from" in note for note in notes)


def test_user_with_other_addresses_is_noted() -> None:
    line = COMBINED.replace("- - [", "- 198.51.100.1 [")
    assert detected([line]).notes[0].startswith("the user field contains addresses")
    assert detected([COMBINED.replace("- - [", "- 203.0.113.7 [")]).notes == []


@pytest.mark.parametrize("rest", [' "198.51.100.1"', ' 0.003 "-" upstream', " ", ' rt=1 ua="b c"'])
def test_fields_after_the_user_agent_are_ignored(rest: str) -> None:
    assert parse(COMBINED + rest) == REQUEST


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ('"-" "www.example.com" "{agent}"', "common with the user agent in quoted field 3"),
        ('"https://example.com/" "-" "{agent}"', "common with the user agent in quoted field 3"),
        ('"0.003" "-" "{agent}"', "common with the user agent in quoted field 3"),
        ('"-" "198.51.100.1" "{agent}"', "common with the user agent in quoted field 3"),
        ('"{agent}" "https://example.com/"', "common with the user agent in quoted field 1"),
        ('0.003 "-" "{agent}" "x/1"', "common with the user agent in quoted field 2"),
        ('"preview" "{agent}"', "combined"),
        ('"-" "{agent}" "Mobile/1"', "combined"),
    ],
)
def test_user_agent_is_in_the_column_with_the_browsers(fields: str, name: str) -> None:
    head = COMBINED.partition(' "https')[0]
    agents = [AGENT, AGENT, BOT, "curl/8.5.0"]
    lines = [f"{head} {fields.format(agent=agent)}" for agent in agents]
    log_format = detected(lines)
    assert log_format.name == name
    assert read(lines, log_format) == [REQUEST._replace(user_agent=agent) for agent in agents]


def test_prefetch_is_not_sought_before_the_user_agent() -> None:
    line = COMBINED.replace('"https://example.com/"', '"-" "preview"')
    assert parse(line) == REQUEST


@pytest.mark.parametrize(
    "rest",
    [
        ' "prefetch;prerender"',
        " prefetch;prerender",
        ' "-" prefetch',
        ' "Purpose: prefetch"',
        ' "Preview"',
        ' 0.003 "prefetch;anonymous-client-ip" "x"',
        ' "https://example.com/prefetch"',
        ' "prefetched"',
        ' purpose="prefetch"',
        " sec-purpose=prefetch;prerender",
        ' "theme=preview"',
        ' "prod preview"',
        ' "https://example.com/?mode=preview"',
    ],
)
def test_prefetch_is_recognized_in_a_further_field(rest: str) -> None:
    ordinary = any(text in rest for text in ("https", "prefetched", "theme", "prod"))
    assert parse(COMBINED + rest) == REQUEST._replace(is_prefetch=not ordinary)


@pytest.mark.parametrize(
    ("time", "minutes"),
    [
        ("10/Oct/2026:18:55:36 +0500", 0),
        ("10/Oct/2026:19:25:36 +0530", 0),
        ("10/Oct/2026:19:25:36 +05:30", 0),
        ("10/Oct/2026:10:25:00 -0330", 0),
        ("10/oct/2026:13:55:36 +0000", 0),
        ("10/OCT/2026:13:55:36 Z", 0),
        ("10/Oct/2026:13:55:36.123 +0000", 0),
        ("10/Oct/2026:13:55:36", 0),
        ("2026-10-10T13:55:36+00:00", 0),
        ("2026-10-10 13:55:36.5 UTC", 0),
        ("1791640536.123", 0),
        ("Sat, 10 Oct 2026 13:55:36 GMT", 0),
        ("11/Oct/2026:00:00:00 +0000", 605),
        ("29/Feb/2028:13:55:36 +0000", 507 * 1440),
        ("25/Oct/2026:02:30:00 +0200", 15 * 1440 - 805),
        ("25/Oct/2026:02:30:00 +0100", 15 * 1440 - 745),
    ],
)
def test_times_are_converted_to_utc(time: str, minutes: int) -> None:
    request = parse(COMBINED.replace("10/Oct/2026:13:55:36 +0000", time))
    assert request.minute - MINUTE == minutes


@pytest.mark.parametrize(
    ("request_line", "method", "target"),
    [
        ("GET /a b HTTP/2.0", "GET", "/a b"),
        ("GET /a", "GET", "/a"),
        ("GET https://example.com/news/a?b HTTP/1.1", "GET", "/news/a?b"),
        ("GET http://example.com?b HTTP/1.1", "GET", "/?b"),
        ("GET /%D0%B0 HTTP/1.1", "GET", "/%D0%B0"),
        ("GET /a?from=https://b.example HTTP/1.1", "GET", "/a?from=https://b.example"),
        (r"GET /\xD0\xB0\"\\ HTTP/1.1", "GET", '/а"\\'),
        (r"GET /q\x22uote\x22 HTTP/1.1", "GET", '/q"uote"'),
        (r"GET /a\n HTTP/1.1", "GET", "/a\n"),
        ('GET /q"uote" HTTP/1.1', "GET", '/q"uote"'),
        (r"\x16\x03\x01", "\x16\x03\x01", ""),
        ("-", "-", ""),
        ("", "", ""),
    ],
)
def test_request_line_is_split(request_line: str, method: str, target: str) -> None:
    request = parse(COMBINED.replace("GET /news/a?b=c HTTP/1.1", request_line), COMBINED)
    assert (request.method, request.target) == (method, target)


def test_host_of_an_absolute_address_is_the_virtual_host() -> None:
    line = COMBINED.replace("GET /", "GET https://News.example:443/")
    assert parse(line) == REQUEST._replace(host="news.example")
    assert parse(f"other.example {line}").host == "other.example"


@pytest.mark.parametrize(
    ("referrer", "agent"),
    [
        ("-", 'Mozilla/5.0 "evil" x'),
        ('https://www.example/?q="street lamps"', BOT),
        ('"', BOT),
        ("", f'"{BOT}"'),
        ("-", 'a"'),
    ],
)
@pytest.mark.parametrize("rest", ["", ' "-" 0.003'])
def test_quotes_within_quotes_are_read(referrer: str, agent: str, rest: str) -> None:
    ordinary = COMBINED + rest
    line = COMBINED.partition(' "https')[0] + f' "{referrer}" "{agent}"{rest}'
    assert parse(line, ordinary, ordinary) == REQUEST._replace(user_agent=agent)


def test_ambiguous_quotes_are_malformed() -> None:
    line = COMBINED.partition(' "https')[0] + f' "a" "b" "{BOT}" x" "c"'
    assert "ambiguous" in error(line, COMBINED, COMBINED)
    assert error(COMBINED.replace("/a?b=c", '/a" 200 3 "b'), COMBINED)


def test_many_quotes_are_rejected_without_long_search() -> None:
    for line in ('" 200 5 ' * 1000, '" "' * 5000, '"\\' * 5000, ", 10.0.0.1" * 5000, "\t " * 9000):
        hostile = COMBINED.replace("GET /news/a?b=c HTTP/1.1", f'GET /{line}x"y')
        assert error(hostile, COMBINED, COMBINED)
        assert error(COMBINED.replace("-", line, 1) + '"', COMBINED, COMBINED)


def test_blanks_between_fields_may_be_several() -> None:
    line = COMBINED.replace('] "', ']  "').replace(" 200 ", "\t200  ").replace('" "', '"  "')
    assert parse(line) == REQUEST


def test_empty_user_agent_is_empty() -> None:
    assert parse(COMBINED.replace(AGENT, "-")).user_agent == ""
    assert parse(COMBINED.replace(AGENT, "")).user_agent == ""
    escaped = r"a \"b\" \x5C \xD0\xB0"
    assert parse(COMBINED.replace(AGENT, escaped)).user_agent == 'a "b" \\ а'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("10/Oct", "31/Feb", "is not a valid time"),
        ("10/Oct", "10/Okt", "is not a valid time"),
        ("2026:13", "2026:25", "is not a valid time"),
        ("+0000", "+9900", "no time zone is"),
        ("+0000", "CEST", "is not a time"),
        ("36 +", "99 +", "is not a time"),
        ("2026", "1960", "before 1970"),
        ("203.0.113.7 - -", "203.0.113.7", "before the time"),
        ("203.0.113.7", "-", "no client address"),
        ("203.0.113.7", "unix:", "no client address"),
        ("203.0.113.7 - -", "example.com - - -", "no client address"),
        ("203.0.113.7", "Feb  5 07:00:26 web 203.0.113.7", "no client address"),
        ("203.0.113.7", '"203.0.113.7', "a quote is open"),
        ("/news/a", "http://[bad/news/a", "no valid host"),
        ("200", "OK", "format"),
        (COMBINED, '{"remote_addr": "203.0.113.7"}', "format"),
        (COMBINED, "\x00" * 100, "format"),
    ],
)
def test_line_that_does_not_fit_is_malformed(old: str, new: str, message: str) -> None:
    assert message in error(COMBINED.replace(old, new, 1), COMBINED, COMBINED)
