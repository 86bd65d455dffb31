"""Formats given by nginx log_format and Apache LogFormat directives."""

from zoneinfo import ZoneInfo

import pytest

from mostread.ops.access_logs.formats.detection import format_factory
from mostread.ops.access_logs.request import LoggedRequest
from tests.support.log_formats import detected, read, utc_minute

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
MINUTE = utc_minute(2026, 2, 5, 7, 0)
REQUEST = LoggedRequest("", "203.0.113.7", MINUTE, "GET", "/news/a?b=c", "200", AGENT, False)
APACHE = r"%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\""


@pytest.mark.parametrize(
    ("template", "line", "host"),
    [
        (
            '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
            '"$http_referer" "$http_user_agent" "$http_x_forwarded_for"',
            '203.0.113.7 - - [05/Feb/2026:07:00:26 +0000] "GET /news/a?b=c HTTP/1.1" 200 5 "-" '
            f'"{AGENT}" "-"',
            "",
        ),
        (
            """log_format main escape=default '$host $remote_addr [$time_iso8601] "$request_method '
                '$scheme://$host$request_uri" $status $upstream_addr '
                '$upstream_response_time "$http_user_agent"';""",
            'news.example 203.0.113.7 [2026-02-05T07:00:26+00:00] "GET '
            'https://news.example/news/a?b=c" 200 10.0.0.5:80, 10.0.0.6:80 0.1, 0.2 '
            f'"{AGENT}"',
            "news.example",
        ),
        (
            "$msec\t$remote_addr\t$request_method\t$uri$is_args$args\t$status\t$http_user_agent\t",
            f"1770274826.123\t203.0.113.7\tGET\t/news/a?b=c\t200\t{AGENT}",
            "",
        ),
        (
            '{"t":"$time_iso8601","who":"$remote_addr","what":"$request","how":$status,'
            '"agent":"$http_user_agent"}',
            '{"t":"2026-02-05T08:00:26+01:00","who":"203.0.113.7","what":"GET /news/a?b=c '
            f'HTTP/1.1","how":200,"agent":"{AGENT}"}}',
            "",
        ),
        (
            "${remote_addr}|${time_local}|${request}|${status}|${http_user_agent}",
            f"203.0.113.7|05/Feb/2026:07:00:26 +0000|GET /news/a?b=c HTTP/1.1|200|{AGENT}",
            "",
        ),
        (
            APACHE,
            '203.0.113.7 - - [05/Feb/2026:07:00:26 +0000] "GET /news/a?b=c HTTP/1.1" 200 5 "-" '
            f'"{AGENT}"',
            "",
        ),
        (
            f'LogFormat "%v:%p {APACHE} %I %O" vhost_combinedio',
            'news.example:443 203.0.113.7 - - [05/Feb/2026:07:00:26 +0000] "GET /news/a?b=c '
            f'HTTP/1.1" 200 5 "-" "{AGENT}" 540 820',
            "news.example",
        ),
        (
            '%{%Y-%m-%d %T %z}t %a "%m %U%q %H" %s "%{User-agent}i" %D',
            f'2026-02-05 08:00:26 +0100 203.0.113.7 "GET /news/a?b=c HTTP/1.1" 200 "{AGENT}" 1204',
            "",
        ),
        (
            '%{sec}t.%{msec_frac}t %h "%r" %!200,304>s "%{User-Agent}i" 100%%',
            f'1770274826.123 203.0.113.7 "GET /news/a?b=c HTTP/1.1" 200 "{AGENT}" 100%',
            "",
        ),
    ],
)
def test_template_is_read(template: str, line: str, host: str) -> None:
    log_format = detected([line], template)
    assert read([line], log_format) == [REQUEST._replace(host=host)]
    assert log_format.notes == []
    assert log_format.has_user_agents
    (other,) = read([line.replace("200", "OK")], log_format)
    assert isinstance(other, str)


def test_template_reader_is_in_the_field_of_client_from() -> None:
    template = '$remote_addr [$time_local] "$request" $status $http_x_forwarded_for'
    line = '10.0.0.9 [05/Feb/2026:07:00:26 +0000] "GET /news/a?b=c HTTP/1.1" 200 {}'
    expected = REQUEST._replace(user_agent=None)
    proxied, direct = line.format("203.0.113.7, 10.0.0.8"), line.format("-")
    for name in ("X-Forwarded-For", "$http_x_forwarded_for", "%{X-Forwarded-For}i"):
        log_format = detected([proxied], template, client_from=name)
        assert read([proxied, direct], log_format) == [
            expected,
            expected._replace(network="10.0.0.9"),
        ]
    (error,) = read([proxied], detected([proxied], template, client_from="X-Real-IP"))
    assert "has no field 'X-Real-IP'" in str(error)
    forged = line.format("198.51.100.66, 203.0.113.7, 10.0.0.8")
    log_format = detected([forged], template, client_from="X-Forwarded-For", trusted="10.0.0.0/8")
    assert read([forged], log_format) == [expected]


def test_template_user_agent_may_contain_escaped_and_plain_quotes() -> None:
    line = '203.0.113.7 - - [05/Feb/2026:07:00:26 +0000] "GET /news/a?b=c HTTP/1.1" 200 5 "{}" "{}"'
    escaped = line.format("-", r"a \"b\" \x22c\x22 \xD0\xB0")
    plain = line.format('https://a.example/?q="b c"', 'a "b"')
    unclear = line.format("a", 'b" "c')
    log_format = detected([escaped], APACHE)
    first, second, third = read([escaped, plain, unclear], log_format)
    assert first == REQUEST._replace(user_agent='a "b" "c" а')
    assert second == REQUEST._replace(user_agent='a "b"')
    assert str(third).startswith("ambiguous fields")


def test_template_times_without_zone_are_in_the_time_zone_option() -> None:
    template = '%{%Y-%m-%d %H:%M:%S}t %h "%r" %>s "%{User-Agent}i"'
    line = f'2026-02-05 08:00:26 203.0.113.7 "GET /news/a?b=c HTTP/1.1" 200 "{AGENT}"'
    log_format = detected([line], template, zone=ZoneInfo("Europe/Berlin"))
    assert read([line], log_format) == [REQUEST]
    assert log_format.notes == []
    log_format = detected([line], template)
    assert read([line], log_format) == [REQUEST._replace(minute=MINUTE + 60)]
    assert "pass --time-zone" in log_format.notes[0]


def test_template_prefetch_is_recognized_by_a_header() -> None:
    template = '%h %t "%r" %>s "%{User-Agent}i" "%{Sec-Purpose}i"'
    line = (
        f'203.0.113.7 [05/Feb/2026:07:00:26 +0000] "GET /news/a?b=c HTTP/1.1" 200 "{AGENT}" "{{}}"'
    )
    lines = [line.format("-"), line.format("prefetch;prerender")]
    assert read(lines, detected(lines, template)) == [REQUEST, REQUEST._replace(is_prefetch=True)]


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("apache", "'apache' is not a format; use one of json, w3c"),
        ('[$time_local] "$request" $status', "has no client; add $remote_addr or %h"),
        ('$remote_addr "$request" $status', "has no time"),
        ('$remote_addr [$time_local] "$request"', "has no status"),
        ("%h %t %>s", "has no request"),
        ('%h %{%Y-%m-%d}t %{%H:%M}t "%r" %>s', "is not a whole time"),
    ],
)
def test_template_without_necessary_field_is_refused(template: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"format|time") as error:
        format_factory(template)
    assert message in str(error.value)
