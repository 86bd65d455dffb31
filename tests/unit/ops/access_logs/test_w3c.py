"""W3C extended logs of IIS, CloudFront and others."""

from zoneinfo import ZoneInfo

import pytest

from mostread.ops.access_logs.request import LoggedRequest
from tests.support.log_formats import detected, read, utc_minute

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
MINUTE = utc_minute(2026, 2, 5, 7, 0)
REQUEST = LoggedRequest(
    "news.example", "203.0.113.7", MINUTE, "GET", "/news/a?b=c", "200", AGENT, False
)
PLUS = AGENT.replace(" ", "+")
ENCODED = AGENT.replace(" ", "%20")

IIS = [
    "#Software: Microsoft Internet Information Services 10.0",
    "#Version: 1.0",
    "#Date: 2026-02-05 00:00:13",
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip "
    "cs(User-Agent) cs(Referer) cs-host sc-status sc-substatus sc-win32-status time-taken",
    f"2026-02-05 07:00:13 10.0.0.2 GET /news/a b=c 443 - 203.0.113.7 {PLUS} - news.example 200 0 0 "
    "1687",
]
CLOUDFRONT = [
    "#Version: 1.0",
    "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status "
    "cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id "
    "x-host-header cs-protocol",
    "\t".join(
        [
            "2026-02-05", "07:00:11", "FRA2", "182", "203.0.113.7", "GET",
            "d111111abcdef8.cloudfront.net", "/news/a", "200", "-", ENCODED, "b=c", "-", "Miss",
            "MRVMF7KydIvxMWfJIglgwHQwZsbG2IhRJ07sn9AkKUFSHS9EXAMPLE==", "news.example", "https",
        ]
    ),
]  # fmt: skip
INCAPSULA = [
    "#Software: Incapsula LOGS API",
    "#Fields: date time c-ip cs(User-Agent) cs-uri cs-method cs-uri-query sc-status",
    f'"2026-02-05" "07:00:35" "203.0.113.7" "{AGENT}" "news.example/news/a" "GET" "b=c" "200"',
]


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (IIS, "W3C"),
        (CLOUDFRONT, "CloudFront"),
        ([line.replace("%20", "%2520") for line in CLOUDFRONT], "CloudFront"),
        (INCAPSULA, "W3C"),
        (["#Software: a", "", "#Fields:   " + IIS[3][9:].replace(" ", "  "), IIS[4]], "W3C"),
    ],
)
def test_w3c_format_is_detected_and_read(lines: list[str], name: str) -> None:
    log_format = detected(lines)
    assert log_format.name == name
    assert read(lines, log_format) == [REQUEST]
    assert log_format.notes == []


def test_w3c_fields_may_change_within_a_file() -> None:
    short = "#Fields: time date cs-uri-stem c-ip sc-status cs-method cs(User-Agent)"
    line = "07:01:13 2026-02-05 /news/b 203.0.113.8 304 GET Googlebot/2.1"
    lines = [*IIS, short, line]
    assert read(lines, detected(lines)) == [
        REQUEST,
        LoggedRequest(
            "", "203.0.113.8", MINUTE + 1, "GET", "/news/b", "304", "Googlebot/2.1", False
        ),
    ]


def test_cloudfront_encodes_escapes_of_a_path_once_more() -> None:
    lines = [line.replace("/news/a", "/news/%25C3%25A9t%25C3%25A9") for line in CLOUDFRONT]
    assert read(lines, detected(lines)) == [REQUEST._replace(target="/news/%C3%A9t%C3%A9?b=c")]


@pytest.mark.parametrize("field", ["cs(Sec-Purpose)", "Sec-Purpose", "X-Moz"])
def test_w3c_prefetch_is_recognized_by_a_field(field: str) -> None:
    lines = [*IIS[:3], f"{IIS[3]} {field}", IIS[4] + " prefetch;prerender", IIS[4] + " -"]
    assert read(lines, detected(lines)) == [REQUEST._replace(is_prefetch=True), REQUEST]


def test_w3c_without_methods_is_noted() -> None:
    lines = [line.replace("cs-method", "x-method") for line in IIS]
    assert "no method; every request was read as a GET" in detected(lines).notes[0]


def test_iis_writes_blanks_of_a_user_agent_as_plus_signs() -> None:
    bot = "Mozilla/5.0+(compatible;+bot/2.1;++http://bot.example/)"
    lines = [line.replace(PLUS, bot) for line in IIS]
    (request,) = read(lines, detected(lines))
    assert isinstance(request, LoggedRequest)
    assert request.user_agent == "Mozilla/5.0 (compatible; bot/2.1; +http://bot.example/)"


def test_w3c_local_times_are_in_the_time_zone_option() -> None:
    lines = [line.replace("date time", "date-local time-local") for line in IIS]
    (request,) = read(lines, detected(lines, zone=ZoneInfo("Asia/Kolkata")))
    assert isinstance(request, LoggedRequest)
    assert request.minute == MINUTE - 330
    log_format = detected(lines)
    read(lines, log_format)
    assert "pass --time-zone" in log_format.notes[0]


def test_w3c_reader_is_in_the_field_of_client_from() -> None:
    lines = [*IIS[:3], IIS[3] + " X-Forwarded-For", IIS[4] + " 198.51.100.1,+10.0.0.9"]
    (request,) = read(lines, detected(lines, client_from="X-Forwarded-For"))
    assert isinstance(request, LoggedRequest)
    assert request.network == "198.51.100.1"
    (note,) = detected(lines).notes
    assert note.startswith("X-Forwarded-For contains addresses, such as 198.51.100.1, 10.0.0.9;")
    assert note.endswith("pass --client-from X-Forwarded-For")
    wrong = [*lines[:4], IIS[4] + " web-1.example", IIS[4] + " -"]
    error, request = read(wrong, detected(wrong, client_from="X-Forwarded-For"))
    assert "no address in the field of --client-from" in str(error)
    assert request == REQUEST
    (error, *_) = read(lines, detected(lines, client_from="X-Real-IP"))
    assert "#Fields has no 'X-Real-IP'" in str(error)


def test_w3c_line_with_another_number_of_fields_is_malformed() -> None:
    lines = [*IIS, IIS[4] + " 1", IIS[4]]
    results = read(lines, detected(lines))
    assert results[::2] == [REQUEST, REQUEST]
    assert str(results[1]).startswith("17 fields instead of the 16 of #Fields")
