"""Doing something at the very moment at which another thing happens."""

import threading
from collections.abc import Callable

TIMEOUT_SECONDS = 6
"""Where something else is at fault too, the moment may not come."""


class Moment:
    """Does `act`, once, in a thread, as soon as `event` is set."""

    def __init__(self, event: threading.Event, act: Callable[[], None] = lambda: None) -> None:
        self._event = event
        self._act = act
        self._acted = False
        self._over = False
        self._thread = threading.Thread(target=self._wait, name="moment")
        self._thread.start()

    def came(self) -> bool:
        """Give it some more seconds, then no more; return whether it came."""
        self._thread.join(TIMEOUT_SECONDS)
        self._over = True
        self._thread.join()
        return self._acted

    def _wait(self) -> None:
        while not self._over:
            if self._event.wait(0.2):
                self._act()
                self._acted = True
                return
