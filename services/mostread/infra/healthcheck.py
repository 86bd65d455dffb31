"""Health checks over HTTP and TCP, for Docker, the devstack and the doctor.

`python -m mostread.infra.healthcheck` is the HEALTHCHECK of the image: it exits with 1 unless the
container's service is ready. All services share the image, so it reads from the container's
command which one runs. It imports only the standard library, since Docker starts it every ten
seconds.
"""

import http.client
import json
import os
import socket
import ssl
import sys
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PORTS = {
    "ranking": 8080,
    "collector": 8081,
    "aggregator": 8082,
    "canary": 8086,
    "articles": 8087,
    "notify": 8088,
}
"""The default port of each service; a test compares them with its settings."""

TIMEOUT_SECONDS = 5.0
_CONNECT_SECONDS = 2.0
_CONTAINER_SECONDS = 7.0


class NoResponse(Exception):
    """A server did not respond as expected; the message says why."""


def get(
    url: str, path: str, seconds: float = TIMEOUT_SECONDS, *, tls: ssl.SSLContext | None = None
) -> tuple[int, bytes]:
    """Return the status and body of GET `path` below `url`. Raises NoResponse.

    By default, certificates are verified.
    """
    parts = urlsplit(url)
    host = parts.hostname or "127.0.0.1"
    connection = (
        http.client.HTTPSConnection(host, parts.port, timeout=seconds, context=tls)
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, parts.port, timeout=seconds)
    )
    try:
        connection.request("GET", parts.path.rstrip("/") + path)
        response = connection.getresponse()
        return response.status, response.read()
    except TimeoutError as error:
        raise NoResponse(f"{url} does not respond within {seconds:g} s") from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or repr(error)
        raise NoResponse(f"nothing responds at {url} ({str(reason).lower()})") from error
    finally:
        connection.close()


def get_json(url: str, path: str) -> dict[str, Any]:
    """Return the JSON object at `path`. Raises NoResponse if there is none."""
    status, body = get(url, path)
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise NoResponse(f"{url}{path} answers {status}, but not as mostread does")
    return document


def failing_checks(url: str) -> dict[str, str]:
    """Return the errors of a service by the name of the check. Raises NoResponse."""
    document = get_json(url, "/readyz")
    if document.get("status") == "ready":
        return {}
    failing = document.get("failing") or {"service": str(document.get("detail", "not ready"))}
    return {str(name): str(error) for name, error in failing.items()}


def readiness_error(
    url: str, seconds: float = TIMEOUT_SECONDS, *, tls: ssl.SSLContext | None = None
) -> str:
    """Return why a service is not ready, or an empty string if it is."""
    try:
        status, body = get(url, "/readyz", seconds, tls=tls)
    except NoResponse as error:
        return str(error)
    if status == HTTPStatus.OK:
        return ""
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, TypeError, KeyError):
        return f"{url} answers {status}"


def host_port(url: str) -> str:
    """Return the host:port of a ClickHouse URL, with ClickHouse's default port."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or (8443 if parts.scheme == 'https' else 8123)}"


def tcp_error(address: str) -> str:
    """Return why a TCP connection to host:port fails, or an empty string if it succeeds."""
    try:
        parts = urlsplit(f"//{address}")
        if not parts.hostname or not parts.port:
            return "not in the form host:port"
        socket.create_connection((parts.hostname, parts.port), _CONNECT_SECONDS).close()
    except socket.gaierror:
        return "unknown host"
    except TimeoutError:
        return "no response"
    except OSError as error:
        return (error.strerror or str(error)).lower()
    except ValueError:
        return "not in the form host:port"
    return ""


def port_of(command: Sequence[str], environment: Mapping[str, str]) -> int | None:
    """Return the port of the service that a command starts, None if it starts none."""
    for word in command:
        if word in PORTS:
            return int(environment.get(f"MOSTREAD_{word.upper()}_PORT", PORTS[word]))
    return None


def container_error(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return why the service that a command started here is not ready, empty if it is."""
    port = port_of(command, environment)
    if port is None:
        return ""
    scheme = "https" if environment.get("MOSTREAD_HTTP_CERT_FILE") else "http"
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The certificate is for the public name of the service.
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    return readiness_error(f"{scheme}://127.0.0.1:{port}", _CONTAINER_SECONDS, tls=tls)


def main() -> None:
    """Exit with 1 and a message unless the container's service is ready."""
    # The container's command, for example `python /venv/bin/mostread collector`.
    command = Path("/proc/1/cmdline").read_text().split("\0")
    if error := container_error(command, os.environ):
        sys.exit(error)


if __name__ == "__main__":
    main()
