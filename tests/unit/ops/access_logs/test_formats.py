"""Formats of servers, load balancers and CDNs, each detected and read."""

from zoneinfo import ZoneInfo

import pytest

from mostread.ops.access_logs.formats.detection import FORMATS
from mostread.ops.access_logs.request import LoggedRequest
from tests.support.log_formats import detected, read, utc_minute

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
MINUTE = utc_minute(2026, 2, 5, 7, 0)

ALB = (
    "https 2026-02-05T07:00:04.127531Z app/my-alb/abcdef 203.0.113.7:2817 10.0.0.1:80 0.001 0.102 "
    '0.000 200 200 225 24950 "GET https://news.example:443/news/alb?a=b HTTP/1.1" "{agent}" '
    "ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/a/b "
    '"Root=1-a-b" "news.example" "arn:aws:acm:eu-west-1:1:certificate/c" 0 '
    '2026-02-05T07:00:04.023000Z "forward" "-" "-" "10.1.1.1:80" "200"'
)
ELB = (
    "2026-02-05T07:00:43.945958Z my-loadbalancer 203.0.113.7:2817 10.0.0.1:80 0.000086 0.001048 "
    '0.001337 200 200 0 57 "GET http://news.example:80/news/elb HTTP/1.1" "{agent}" '
    "DHE-RSA-AES128-SHA TLSv1.2"
)
S3 = (
    "b659b576cff1e15e4c0313ff8930fba9f53e news.example [05/Feb/2026:07:00:07 +0000] 203.0.113.7 - "
    'EB3502676500C6BE WEBSITE.GET.OBJECT news/s3 "GET /news/s3 HTTP/1.1" 200 - 368 368 10 9 "-" '
    '"{agent}" - w5rXg= - ECDHE-RSA-AES128-GCM-SHA256 - news.example TLSv1.2 - -'
)
NPM = (
    '[05/Feb/2026:07:00:26 +0000] HIT 200 200 - GET https news.example "/news/npm" '
    '[Client 203.0.113.7] [Length 512] [Gzip -] [Sent-to 10.0.0.2] "{agent}" "-"'
)
NPM_STANDARD = (
    '[05/Feb/2026:07:00:26 +0000] 200 - GET https news.example "/news/npm" '
    '[Client 203.0.113.7] [Length 512] [Gzip -] "{agent}" "-"'
)
ENVOY = (
    '[2026-02-05T07:00:26.310Z] "GET /news/envoy HTTP/2" 200 - 0 154 226 100 "203.0.113.7" '
    '"{agent}" "cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "news.example" "10.0.2.1:80"'
)
ISTIO = (
    '[2026-02-05T07:00:26.310Z] "GET /news/istio HTTP/1.1" 200 - via_upstream - "-" 0 135 1 0 '
    '"203.0.113.7,10.0.0.1" "{agent}" "84961386" "news.example" "127.0.0.1:80" '
    "inbound|8000|| 127.0.0.1:41854 10.44.1.27:80 10.44.1.23:37652 outbound_.8000_._.a default"
)
BUNNY = (
    "MISS|200|1770274826321|128479|1234567|203.0.113.7|https://example.com|"
    "https://news.example/news/bunny|DE|{agent}|289735f336bd4fe775624ea7f6a4cc58|DE"
)
HAPROXY = (
    "203.0.113.7:55008 [05/Feb/2026:07:00:27.584] ft_https~ bk_https/abc 0/0/0/72/72 200 7456 - - "
    '---- 5/4/0/1/0 0/0 {{news.example|{agent}}} "GET /news/haproxy HTTP/1.1"'
)
GANDI = (
    'news.example 203.0.113.7 - - [05/Feb/2026:07:00:07 +0000] (0 s) "GET /news/gandi HTTP/1.1" '
    '200 1124 "-" "{agent}"'
)
OVH = (
    '203.0.113.7 news.example someone [05/Feb/2026:07:00:07 +0000] "GET /news/ovh HTTP/1.1" 200 3 '
    '"-" "{agent}"'
)
INGRESS = (
    '203.0.113.7 - - [05/Feb/2026:07:00:07 +0000] "GET /news/ingress HTTP/1.1" 200 3 "-" "{agent}"'
    " 412 0.003 [default-web-80] [] 10.0.0.5:8080, 10.0.0.6:8080 0, 512 0.001, 0.002 502, 200 c0ff"
)
SWAPPED = (
    '203.0.113.7 - - [05/Feb/2026:07:00:07 +0000] "GET /news/swapped HTTP/1.1" 200 3 "{agent}" '
    '"https://example.com/"'
)
LATE_AGENT = (
    '203.0.113.7 - - [05/Feb/2026:07:00:07 +0000] "GET /news/late HTTP/1.1" 200 3 0.003 '
    '"https://example.com/" 12 "{agent}"'
)


@pytest.mark.parametrize(
    ("line", "name", "host", "target"),
    [
        (ALB, "alb", "news.example", "/news/alb?a=b"),
        (ELB, "elb", "news.example", "/news/elb"),
        (S3, "s3", "news.example", "/news/s3"),
        (NPM, "npm", "news.example", "/news/npm"),
        (NPM_STANDARD, "npm-standard", "news.example", "/news/npm"),
        (ENVOY, "envoy", "news.example", "/news/envoy"),
        (ISTIO, "istio", "news.example", "/news/istio"),
        (BUNNY, "bunny", "news.example", "/news/bunny"),
        (HAPROXY, "haproxy", "news.example", "/news/haproxy"),
        (GANDI, "combined", "news.example", "/news/gandi"),
        (OVH, "combined", "news.example", "/news/ovh"),
        (INGRESS, "combined", "", "/news/ingress"),
        (SWAPPED, "common with the user agent in quoted field 1", "", "/news/swapped"),
        (LATE_AGENT, "common with the user agent in quoted field 2", "", "/news/late"),
    ],
)
def test_format_is_detected_and_read(line: str, name: str, host: str, target: str) -> None:
    lines = [line.format(agent=AGENT), line.format(agent=AGENT + " Edg/1")]
    log_format = detected(lines)
    assert log_format.name == name
    assert log_format.has_user_agents
    request = LoggedRequest(host, "203.0.113.7", MINUTE, "GET", target, "200", AGENT, False)
    assert read(lines, log_format) == [request, request._replace(user_agent=AGENT + " Edg/1")]
    if name in FORMATS:
        assert read(lines, detected(lines, name)) == read(lines, log_format)


@pytest.mark.parametrize(
    ("wrapped", "name"),
    [
        ('"{}"', "combined in quotes"),
        ("Feb  5 07:00:27 web-1 nginx: {}", "combined from syslog"),
        ("<190>Feb  5 07:00:27 web-1 nginx[812]: {}", "combined from syslog"),
        ("2026-02-05T07:00:27.123456+00:00 web-1 nginx: {}", "combined from syslog"),
        ("<134>Feb  5 07:00:27 nginx[812]: {}", "combined from syslog"),
        ("Feb  5 07:00:27 2001:db8::1 nginx: {}", "combined from syslog"),
        ("<134>1 2026-02-05T07:00:27Z web-1 nginx 812 - - {}", "combined from syslog"),
        ("2026-02-05T07:00:27.123456789Z stdout F {}", "combined from a container"),
        ("web_1  | {}", "combined from a container"),
    ],
)
def test_line_is_read_inside_that_of_a_log_collector(wrapped: str, name: str) -> None:
    plain = INGRESS.format(agent=AGENT)
    bots = INGRESS.format(agent="Googlebot/2.1")
    lines = [wrapped.format(plain), wrapped.format(bots)]
    log_format = detected(lines)
    assert log_format.name == name
    assert read(lines, log_format) == read([plain, bots], detected([plain, bots]))


def test_line_in_csv_or_json_is_unwrapped() -> None:
    plain = OVH.format(agent=AGENT)
    expected = read([plain], detected([plain]))
    assert isinstance(expected[0], LoggedRequest)
    escaped = plain.replace('"', '""')
    for line in (
        f'"{escaped}"',
        '{"log":"' + plain.replace('"', r"\"") + r'\n","stream":"stdout","time":"2026-02-05T08Z"}',
        '{"log":{"offset":0,"file":{"path":"/a"}},"message":"' + plain.replace('"', r"\"") + '"}',
        '{"@timestamp":"2026-02-05T07:00:27Z","message":"' + plain.replace('"', r"\"") + '"}',
    ):
        assert read([line], detected([line])) == expected


def test_unknown_format_is_malformed_line_by_line() -> None:
    lines = ["[notice] worker started", "nothing of the kind"]
    log_format = detected(lines)
    assert (log_format.name, log_format.has_user_agents) == ("unknown", False)
    assert read(lines, log_format) == [f"not in a known format: {line!r}" for line in lines]


def test_forced_format_reads_lines_after_others() -> None:
    noise = ["worker started"] * 3
    line = OVH.format(agent=AGENT)
    for name in ("combined", '%h %v %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"'):
        *errors, request = read([*noise, line], detected(noise, name))
        assert all("worker started" in str(error) for error in errors)
        assert isinstance(request, LoggedRequest)
    (error,) = read([line], detected(noise, "w3c"))
    assert "no #Fields line" in str(error)


def test_format_of_the_first_lines_applies_to_the_whole_file() -> None:
    combined = OVH.format(agent=AGENT)
    common = combined.partition(' "-"')[0]
    log_format = detected([combined] * 3)
    assert read([common], log_format) == [
        f"no user agent, which other lines of the file have: {common[:80]!r}"
    ]
    log_format = detected([common] * 3)
    assert (log_format.name, log_format.has_user_agents) == ("common", False)
    assert read([combined], log_format) == [
        f"more fields than other lines of the file have: {combined[:80]!r}"
    ]


def test_quoted_fields_without_user_agent_are_refused() -> None:
    line = (
        '203.0.113.7 - - [05/Feb/2026:07:00:07 +0000] "GET /news/a HTTP/1.1" 200 3 '
        '"news.example" "198.51.100.3, 10.0.0.1"'
    )
    (error,) = read([line], detected([line]))
    assert "contain no user agent" in str(error)


def test_haproxy_is_read_from_syslog_without_a_host() -> None:
    line = HAPROXY.format(agent=AGENT)
    wrapped = f"<134>Feb  5 07:00:27 haproxy[1]: {line}"
    log_format = detected([wrapped])
    assert log_format.name == "haproxy from syslog"
    assert read([wrapped], log_format) == read([line], detected([line]))


@pytest.mark.parametrize(
    ("captures", "agent"), [("", None), ("{} {} ", None), ("{|" + AGENT + "} ", AGENT)]
)
def test_haproxy_user_agent_is_a_captured_header(captures: str, agent: str | None) -> None:
    line = (
        "203.0.113.7:55008 [05/Feb/2026:08:00:27.584] front back/s1 0/0/0/72/72 200 7456 - - "
        f'---- 5/4/0/1/0 0/0 {captures}"GET /news/a HTTP/1.1"'
    )
    log_format = detected([line], zone=ZoneInfo("Europe/Berlin"))
    (request,) = read([line], log_format)
    assert isinstance(request, LoggedRequest)
    assert (request.minute, request.user_agent, log_format.notes) == (MINUTE, agent, [])
    log_format = detected([line])
    read([line], log_format)
    assert "pass --time-zone" in log_format.notes[0]


def test_haproxy_header_with_other_addresses_is_noted() -> None:
    line = HAPROXY.format(agent=AGENT + "|198.51.100.1")
    assert detected([line]).notes[0].startswith("captured header 3 contains addresses")
    (request,) = read([line], detected([line], client_from="3"))
    assert isinstance(request, LoggedRequest)
    assert request.network == "198.51.100.1"


@pytest.mark.parametrize(
    "line",
    [
        ELB.replace("GET", "-").replace("http://news.example:80/news/elb HTTP/1.1", "- - "),
        HAPROXY.replace(" 200 ", " -1 ").replace("GET /news/haproxy HTTP/1.1", "<BADREQ>"),
    ],
)
def test_line_without_a_request_is_not_a_view(line: str) -> None:
    line = line.format(agent="-")
    (request,) = read([line], detected([line, ELB, HAPROXY]))
    assert isinstance(request, str) or request.method != "GET"


@pytest.mark.parametrize(
    "line", [ALB, S3, NPM, ISTIO, BUNNY, HAPROXY, INGRESS], ids=lambda x: x[:9]
)
def test_repeated_text_in_a_line_costs_no_long_search(line: str) -> None:
    """A regular expression that backtracks over these does not end within hours."""
    line = line.format(agent=AGENT)
    log_format = detected([line] * 2)
    blanks = [index for index, character in enumerate(line) if character == " "]
    for repeated in ('" 200 5 ', '" "', '"\\', ", 10.0.0.1", ",x", "\t ", "|", "{", "a ", "[x] "):
        for blank in blanks[:15:3]:
            hostile = f"{line[:blank]} {repeated * 1000}{line[blank:]}"
            assert len(read([hostile], log_format)) == 1
