"""A client for servers: events in, and nothing that holds up whoever calls.

    from mostread.client import Client

    client = Client("https://collect.example.com", token="...")
    client.view("street-lamps", visitor=session_id)

It imports nothing but the standard library.
"""

from mostread.client.client import Client
from mostread.client.stats import Stats

__all__ = ["Client", "Stats"]
