"""A service asked over HTTP, as anybody could ask it."""

import http.client
import json
import socket
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


CONNECT_SECONDS = 2.0


def place(url: str) -> str:
    """Return the host:port of an address; ClickHouse's own port where it names none."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or (8443 if parts.scheme == 'https' else 8123)}"


def knock(at: str) -> str:
    """Return why nobody can be reached at host:port, or nothing where somebody listens."""
    try:
        parts = urlsplit(f"//{at}")
        if not parts.hostname or not parts.port:
            return "it is no host:port"
        socket.create_connection((parts.hostname, parts.port), CONNECT_SECONDS).close()
    except socket.gaierror:
        return "there is no such host"
    except TimeoutError:
        return "no answer"
    except OSError as error:
        return (error.strerror or str(error)).lower()
    except ValueError:
        return "it is no host:port"
    return ""
