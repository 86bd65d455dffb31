"""Actions that a thread repeats beside a test."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread


@contextmanager
def repeating(action: Callable[[], None], *, pause: float = 0) -> Iterator[None]:
    """Call `action` again and again while the block runs, after `pause` seconds each."""
    end = Event()

    def repeat() -> None:
        while not end.wait(pause):
            action()

    thread = Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()
