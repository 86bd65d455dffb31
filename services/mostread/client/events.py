"""An event as it is called for, and as the line that is sent, whenever that will be."""

import hashlib
import json
import os
import time
from collections.abc import Mapping

HALF_HOUR_MS = 30 * 60 * 1000
LONGEST_LINE = 16 << 10
"""In bytes; no valid event is nearly as long."""


def line(event: Mapping[str, object], *, key: str = "") -> bytes:
    """Return an event as a line of NDJSON, with an id and a time if it had none.

    Both are those of the call: sent again, or late, it is still the same event. Raises
    ValueError or TypeError where it can't be written as JSON.
    """
    whole = dict(event)
    whole.setdefault("timestamp", time.time_ns() // 1_000_000)
    if "id" not in whole:
        whole["id"] = _id(whole, key)
    text = json.dumps(whole, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    encoded = text.encode()
    if len(encoded) > LONGEST_LINE:
        raise ValueError("the event is too long")
    return encoded + b"\n"


def _id(event: Mapping[str, object], key: str) -> str:
    """Return random bits; for a view whose visitor is known what is the same for half an hour, so
    that a reader who reloads counts once. `key` keeps others from guessing it.
    """
    visitor, timestamp = event.get("visitor"), event["timestamp"]
    if event.get("type") != "view" or visitor is None or not isinstance(timestamp, int):
        return os.urandom(16).hex()
    parts = (event.get("site", "default"), event.get("article_id"), visitor)
    said = json.dumps([*parts, timestamp // HALF_HOUR_MS])
    key_bytes = hashlib.blake2b(key.encode(), digest_size=32).digest()
    return hashlib.blake2b(said.encode(), digest_size=16, key=key_bytes).hexdigest()
