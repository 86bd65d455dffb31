"""Several things asked at once: whatever hangs, the others are heard."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

Answer = TypeVar("Answer")


def together(calls: Mapping[str, Callable[[], Answer]], seconds: float) -> dict[str, Answer]:
    """Return what each call says; what has not come within so many seconds is left out.

    No call may raise.
    """
    heard: dict[str, Answer] = {}

    def listen(name: str, call: Callable[[], Answer]) -> None:
        heard[name] = call()

    # Daemons: what does not come back is left behind, and does not hold up the end.
    threads = [
        threading.Thread(target=listen, args=each, daemon=True, name=each[0])
        for each in calls.items()
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))
    return dict(heard)
