"""Policies of Python's garbage collector for services with many live objects."""

import asyncio
import gc

INTERVAL_SECONDS = 30


def relax_thresholds() -> None:
    """Collect after 50,000 new objects instead of 700.

    Call it when all modules are loaded. With a thousand requests in progress, 700 new objects
    exist at any time, so Python would scan live objects over and over: a sixth of a collector's
    processor time. With three thousand connections even a threshold of 10,000 costs a tenth. The
    garbage in between is a few MiB. Every 500,000 objects Python scans all of them.
    """
    gc.freeze()
    gc.set_threshold(50_000, 2, 5)


async def collect_periodically(seconds: float = INTERVAL_SECONDS) -> None:
    """Collect once per interval and at no other time, until cancelled.

    A collection stops all threads, for a tenth of a second with 400,000 counters.
    """
    # Objects that exist now live as long as the process, so Python need not scan them.
    gc.freeze()
    gc.disable()
    try:
        while True:
            await asyncio.sleep(seconds)
            gc.collect()
    finally:
        gc.enable()
        gc.unfreeze()
