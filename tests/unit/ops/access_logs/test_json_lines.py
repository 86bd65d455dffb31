"""JSON access logs of nginx, Caddy, Traefik and others."""

import json

import pytest

from mostread.ops.access_logs.request import LoggedRequest
from tests.support.log_formats import detected, read, utc_minute

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
MINUTE = utc_minute(2026, 2, 5, 7, 0)
REQUEST = LoggedRequest(
    "news.example", "203.0.113.7", MINUTE, "GET", "/news/a?b=c", "200", AGENT, False
)

CADDY = {
    "level": "info",
    "ts": 1770274826.8155608,
    "logger": "http.log.access",
    "msg": "handled request",
    "request": {
        "remote_ip": "10.0.0.9",
        "remote_port": "64985",
        "client_ip": "203.0.113.7",
        "proto": "HTTP/2.0",
        "method": "GET",
        "host": "news.example",
        "uri": "/news/a?b=c",
        "headers": {"User-Agent": [AGENT], "X-Forwarded-For": ["198.51.100.1"]},
        "tls": {"resumed": False, "version": 772},
    },
    "bytes_read": 0,
    "duration": 0.001335486,
    "size": 3609,
    "status": 200,
    "resp_headers": {"Server": ["Caddy"], "Date": ["Thu, 05 Feb 2026 07:00:26 GMT"]},
}
TRAEFIK = {
    "ClientAddr": "203.0.113.7:52458",
    "ClientHost": "203.0.113.7",
    "request_User-Agent": AGENT,
    "DownstreamStatus": 200,
    "Duration": 10002425284,
    "OriginStatus": 504,
    "RequestHost": "news.example",
    "RequestMethod": "GET",
    "RequestPath": "/news/a?b=c",
    "RequestProtocol": "HTTP/1.1",
    "ServiceURL": {"Scheme": "http", "Host": "apache:80", "Path": ""},
    "StartLocal": "2026-02-05T08:00:21.773360139+01:00",
    "StartUTC": "2026-02-05T07:00:21.773360139Z",
    "level": "info",
    "msg": "",
    "time": "2026-02-05T07:11:25Z",
}
OBJECTS: dict[str, dict[str, object]] = {
    "caddy": CADDY,
    "traefik": TRAEFIK,
    "nginx": {
        "time_iso8601": "2026-02-05T08:00:26+01:00",
        "remote_addr": "203.0.113.7",
        "request": "GET /news/a?b=c HTTP/1.1",
        "status": "200",
        "request_time": "0.003",
        "http_host": "news.example",
        "http_user_agent": AGENT,
        "upstream_status": "502",
    },
    "nginx with other names": {
        "@timestamp": "2026-02-05T07:00:26Z",
        "clientip": "203.0.113.7",
        "verb": "GET",
        "url": "/news/a",
        "args": "b=c",
        "response": 200,
        "vhost": "news.example:443",
        "agent": AGENT,
    },
    "matomo": {
        "ip": "203.0.113.7",
        "host": "news.example",
        "path": "/news/a?b=c",
        "status": "200",
        "user_agent": AGENT,
        "length": 192,
        "generation_time_milli": 0.008,
        "date": "2026-02-05T08:00:00+01:00",
    },
    "cloudflare": {
        "ClientIP": "203.0.113.7",
        "ClientRequestHost": "news.example",
        "ClientRequestMethod": "GET",
        "ClientRequestURI": "/news/a?b=c",
        "ClientRequestUserAgent": AGENT,
        "EdgeEndTimestamp": 1770274999000000000,
        "EdgeResponseStatus": 200,
        "EdgeStartTimestamp": 1770274826000000000,
        "OriginResponseStatus": 0,
    },
    "google load balancer": {
        "httpRequest": {
            "requestMethod": "GET",
            "requestUrl": "https://news.example/news/a?b=c",
            "status": 200,
            "userAgent": AGENT,
            "remoteIp": "203.0.113.7",
            "serverIp": "10.0.0.3",
        },
        "resource": {"labels": {"status": "x"}},
        "timestamp": "2026-02-05T07:00:26.123456Z",
        "receiveTimestamp": "2026-02-05T07:10:00Z",
    },
    "azure front door": {
        "time": "2026-02-05T07:00:26.1234567Z",
        "category": "FrontDoorAccessLog",
        "properties": {
            "httpMethod": "GET",
            "requestUri": "https://news.example:443/news/a?b=c",
            "userAgent": AGENT,
            "clientIp": "203.0.113.7",
            "socketIp": "10.0.0.3",
            "httpStatusCode": "200",
        },
    },
    "elastic common schema": {
        "@timestamp": "2026-02-05T07:00:26.000Z",
        "http": {"request": {"method": "GET"}, "response": {"status_code": 200}},
        "source": {"address": "203.0.113.7", "ip": "203.0.113.7"},
        "url": {"original": "/news/a?b=c", "path": "/news/a", "domain": "news.example"},
        "user_agent": {"original": AGENT, "name": "Firefox"},
    },
    "envoy": {
        "start_time": "2026-02-05T07:00:26.310Z",
        "method": "GET",
        "path": "/news/a?b=c",
        "authority": "news.example",
        "response_code": 200,
        "user_agent": AGENT,
        "downstream_remote_address": "203.0.113.7:37652",
        "x_forwarded_for": None,
    },
    "pino": {
        "level": 30,
        "time": 1770274826123,
        "req": {
            "method": "GET",
            "url": "/news/a?b=c",
            "headers": {"host": "news.example", "user-agent": AGENT},
            "remoteAddress": "::ffff:203.0.113.7",
        },
        "res": {"statusCode": 200, "headers": {"date": "x"}},
        "msg": "request completed",
    },
    "logstash": {
        "clientip": "203.0.113.7",
        "verb": "GET",
        "request": "/news/a?b=c",
        "response": "200",
        "agent": f'"{AGENT}"',
        "timestamp": "05/Feb/2026:07:00:26 +0000",
        "vhost": "news.example",
        "host": "web-1",
    },
    "forwarded header": {
        "client": "mobile app",
        "forwarded": 'for=203.0.113.7;proto=https;by=10.0.0.1, for="[2001:db8::1]:47011"',
        "http_host": "news.example",
        "request": "GET /news/a?b=c HTTP/2.0",
        "status": 200,
        "http_user_agent": AGENT,
        "msec": "1770274826.123",
    },
    "cloudfront, encoded": {
        "timestamp(ms)": "1770274826123",
        "x-edge-location": "FRA2",
        "c-ip": "203.0.113.7",
        "cs-method": "GET",
        "x-host-header": "news.example",
        "cs-uri-stem": "/news/a",
        "cs-uri-query": "b=c",
        "sc-status": "200",
        "cs(User-Agent)": AGENT.replace(" ", "%2520"),
    },
    "azure application gateway": {
        "time": "2026-02-05T07:00:26.1234567Z",
        "properties": {
            "httpMethod": "GET",
            "requestUri": "/news/a",
            "requestQuery": "b=c",
            "userAgent": AGENT.replace(" ", "%20"),
            "clientIP": "203.0.113.7",
            "host": "news.example",
            "httpStatus": 200,
        },
    },
    "apache": {
        "time": "[05/Feb/2026:08:00:26 +0100]",
        "remoteIP": "203.0.113.7",
        "request": "GET /news/a?b=c HTTP/1.1",
        "host": "news.example",
        "status": "200",
        "userAgent": AGENT,
    },
    "cloudfront": {
        "date": "2026-02-05",
        "time": "07:00:26",
        "c-ip": "203.0.113.7",
        "cs-method": "GET",
        "cs(Host)": "news.example",
        "cs-uri-stem": "/news/a",
        "cs-uri-query": "b=c",
        "sc-status": "200",
        "cs(User-Agent)": AGENT,
    },
}


@pytest.mark.parametrize("name", OBJECTS)
def test_json_keys_are_recognized(name: str) -> None:
    lines = [json.dumps(OBJECTS[name]), json.dumps(OBJECTS[name]) + ","]
    log_format = detected(lines)
    assert log_format.name.startswith("JSON")
    assert read(lines, log_format) == [REQUEST, REQUEST]


def test_json_reader_is_in_the_field_of_client_from() -> None:
    lines = [json.dumps(CADDY)]
    (request,) = read(lines, detected(lines, client_from="X-Forwarded-For"))
    assert isinstance(request, LoggedRequest)
    assert request.network == "198.51.100.1"
    (error,) = read(lines, detected(lines, client_from="CF-Connecting-IP"))
    assert "no key 'CF-Connecting-IP'" in str(error)


@pytest.mark.parametrize(
    ("value", "network"), [("", "203.0.113.7"), ("-", "203.0.113.7"), ("example.com", None)]
)
def test_json_field_of_client_from_must_have_addresses(value: str, network: str | None) -> None:
    lines = [json.dumps({**OBJECTS["nginx"], "xff": value})]
    (request,) = read(lines, detected(lines, client_from="xff"))
    if isinstance(request, LoggedRequest):
        assert request.network == network
    else:
        assert "no address in the field of --client-from" in str(request)
        assert network is None


@pytest.mark.parametrize(
    ("extra", "note"),
    [
        ({"xff": "198.51.100.1, 10.0.0.8"}, "xff contains addresses, such as 198.51.100.1, 10"),
        ({"headers": {"X-Real": ["198.51.100.1"]}}, "headers.X-Real contains addresses"),
        ({"xff": "203.0.113.7"}, ""),
        ({"xff": "-"}, ""),
        ({"xff": "unknown, unknown"}, ""),
        ({"upstream_addr": "198.51.100.1:80", "a": "10.0.0.8"}, ""),
    ],
)
def test_json_key_with_other_addresses_is_noted(extra: dict[str, object], note: str) -> None:
    lines = [json.dumps({**OBJECTS["nginx"], **extra})] * 2
    notes = detected(lines).notes
    assert len(notes) == bool(note)
    assert "".join(notes).startswith(note)
    for each in notes:
        client_from = each.rpartition("pass --client-from ")[2]
        (request, _) = read(lines, detected(lines, client_from=client_from))
        assert isinstance(request, LoggedRequest)
        assert request.network == "198.51.100.1"


def test_json_method_is_read_and_missing_one_noted() -> None:
    record = {key: value for key, value in OBJECTS["matomo"].items() if key != "path"}
    record["request_url"] = "/news/a?b=c"
    lines = [json.dumps(record)]
    assert "no method; every request was read as a GET" in detected(lines).notes[0]
    lines = [json.dumps({**record, "request_type": "HEAD"})]
    assert read(lines, detected(lines)) == [REQUEST._replace(method="HEAD")]
    assert detected(lines).notes == []


def test_cloudfront_encodes_escapes_of_a_path_in_json_once_more() -> None:
    lines = [json.dumps({**OBJECTS["cloudfront, encoded"], "cs-uri-stem": "/%25C3%25A9"})]
    assert read(lines, detected(lines)) == [REQUEST._replace(target="/%C3%A9?b=c")]


def test_json_header_that_a_client_did_not_send_is_an_empty_user_agent() -> None:
    without = {**CADDY, "request": {**CADDY["request"], "headers": {}}}  # type: ignore[dict-item]
    lines = [json.dumps(CADDY), json.dumps(without)]
    log_format = detected(lines)
    assert read(lines, log_format)[1] == REQUEST._replace(user_agent="")
    log_format = detected(lines[1:])
    assert not log_format.has_user_agents
    assert read(lines[1:], log_format) == [REQUEST._replace(user_agent=None)]


def test_json_with_the_escapes_of_nginx_is_read() -> None:
    line = (
        r'{"time":"2026-02-05T07:00:26+00:00","ip":"203.0.113.7","request":"GET /\xD0\xB0?\x22 '
        r'HTTP/1.1","status":"200","ua":"a\x5C \u0431"}'
    )
    (request,) = read([line], detected([line]))
    assert request == LoggedRequest("", "203.0.113.7", MINUTE, "GET", '/а?"', "200", "a\\ б", False)


def test_json_prefetch_is_recognized_by_a_header() -> None:
    headers = {"User-Agent": [AGENT], "Sec-Purpose": ["prefetch;prerender"]}
    record = {**CADDY, "request": {**CADDY["request"], "headers": headers}}  # type: ignore[dict-item]
    lines = [json.dumps(CADDY), json.dumps(record)]
    assert read(lines, detected(lines)) == [REQUEST, REQUEST._replace(is_prefetch=True)]


@pytest.mark.parametrize("key", ["request_Sec-Purpose", "request_X-Moz", "cs(Sec-Purpose)"])
def test_json_prefetch_is_recognized_by_a_key_with_a_prefix(key: str) -> None:
    lines = [json.dumps({**TRAEFIK, key: "prefetch"})]
    assert read(lines, detected(lines)) == [REQUEST._replace(is_prefetch=True)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"time": "2026-02-05T07:00:26Z", "status": 200, "path": "/"}', "without client"),
        ('{"ip": "203.0.113.7", "status": "OK", "path": "/"}', "without time and status"),
        ('{"msg": "server running", "ts": 1770274826.1}', "without client and status and request"),
    ],
)
def test_json_without_necessary_keys_is_refused_by_name(line: str, message: str) -> None:
    (error,) = read([line], detected([line]))
    assert message in str(error)


def test_json_line_of_another_kind_is_malformed() -> None:
    lines = [json.dumps(CADDY)] * 2
    log_format = detected(lines)
    other = [
        '{"level":"info","ts":1770274826.1,"msg":"server running"}',
        "{",
        "[1]",
        '{"a":' * 9000,
    ]
    assert [type(result) for result in read(other, log_format)] == [str] * 4
