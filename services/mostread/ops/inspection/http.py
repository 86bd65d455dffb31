"""A service asked over HTTP, as anybody could ask it."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

SECONDS = 5.0


class Silent(Exception):
    """A service did not answer; the message says why."""


def get(address: str, path: str) -> tuple[int, bytes]:
    """Return the status and body of an answer. Raises Silent."""
    parts = urlsplit(address)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "127.0.0.1", parts.port, timeout=SECONDS)
    try:
        connection.request("GET", parts.path.rstrip("/") + path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except TimeoutError as error:
        raise Silent(f"{address} does not answer within {SECONDS:g} s") from error
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "strerror", None) or repr(error)
        raise Silent(f"nobody answers at {address} ({str(why).lower()})") from error
    finally:
        connection.close()


def get_json(address: str, path: str) -> dict[str, Any]:
    """Return the object of an answer. Raises Silent where there is none."""
    status, body = get(address, path)
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Silent(f"{address}{path} is answered {status}, and not by mostread")
    return found


def failing(address: str) -> dict[str, str]:
    """Return which parts of a service fail, with what is wrong. Raises Silent."""
    answer = get_json(address, "/readyz")
    if answer.get("status") == "ready":
        return {}
    parts = answer.get("failing") or {"it": str(answer.get("detail", "it is not ready"))}
    return {str(name): str(said) for name, said in parts.items()}
