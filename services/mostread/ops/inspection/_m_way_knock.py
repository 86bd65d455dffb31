"""Whether anybody listens at an address: the first thing to know of a server that is silent."""

import socket
from urllib.parse import urlsplit

SECONDS = 2.0


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
        socket.create_connection((parts.hostname, parts.port), SECONDS).close()
    except socket.gaierror:
        return "there is no such host"
    except TimeoutError:
        return "no answer"
    except OSError as error:
        return (error.strerror or str(error)).lower()
    except ValueError:
        return "it is no host:port"
    return ""
