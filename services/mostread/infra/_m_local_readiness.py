"""Asks a service whether it can do its work."""

import http.client
import json
from http import HTTPStatus


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
