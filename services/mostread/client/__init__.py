"""Python client for servers: sends events without blocking the caller.

    from mostread.client import Client

    client = Client("https://collect.example.com", token="...")
    client.view("street-lamps", visitor=session_id)

It imports only the standard library.
"""

from mostread.client.client import Client
from mostread.client.delivery import Stats

__all__ = ["Client", "Stats"]
