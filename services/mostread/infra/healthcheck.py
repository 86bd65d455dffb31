"""Report whether the service in this container is ready: `python -m mostread.infra.healthcheck`.

One image serves for every service, each on a port of its own, so the check looks at what the
container runs. Nothing but the standard library: it is started every ten seconds.
"""

import http.client
import json
import os
import sys
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path

PORTS = {"ranking": 8080, "collector": 8081, "aggregator": 8082, "canary": 8086}
"""The default port of each service; a test holds them against its settings."""

_SECONDS = 7


def port_of(command: Sequence[str], environment: Mapping[str, str]) -> int | None:
    """Return where the service listens that this command names; None where it names none."""
    for word in command:
        if word in PORTS:
            return int(environment.get(f"MOSTREAD_{word.upper()}_PORT", PORTS[word]))
    return None


def trouble(port: int) -> str | None:
    """Return what is wrong with the service on this port of ours, None where it is ready."""
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    try:
        asked.request("GET", "/readyz")
        answer = asked.getresponse()
        return None if answer.status == 200 else answer.read().decode()
    except (OSError, http.client.HTTPException) as error:
        return f"nobody answers on port {port}: {error}"
    finally:
        asked.close()


def main() -> None:
    """End with 1 and a word about it where the service is not ready."""
    # What the container was started with: `python /venv/bin/mostread collector`.
    command = Path("/proc/1/cmdline").read_text().split("\0")
    port = port_of(command, os.environ)
    if port and (found := trouble(port)):
        sys.exit(found)


if __name__ == "__main__":
    main()


def missing(port: int) -> str:
    """Return what /readyz on this port says is missing; empty if the service is ready."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException):
        return "it does not answer yet"
    finally:
        connection.close()
    if response.status == HTTPStatus.OK:
        return ""
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, TypeError, KeyError):
        return f"it answers {response.status}"
