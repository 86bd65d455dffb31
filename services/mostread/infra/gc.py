"""How often Python looks for circles of objects that nobody needs any more."""

import asyncio
import gc


def relax_thresholds() -> None:
    """Look after 50,000 new objects and not after 700; call it when all modules are loaded.

    With a thousand requests under way the usual 700 are new at any time, so it looks again and
    again at objects that are all in use: a sixth of a collector's time. With three thousand
    connections even 10,000 cost a tenth. What is left lying meanwhile are some MiB: a connection
    that is closed leaves a circle of about 6 KB, and every 500,000 objects all of them are looked
    at.
    """
    gc.freeze()
    gc.set_threshold(50_000, 2, 5)


INTERVAL_SECONDS = 30


async def collect_periodically(seconds: float = INTERVAL_SECONDS) -> None:
    """Search once in so many seconds and at no other time, until cancelled.

    All threads are held up by it, a tenth of a second with 400 thousand counters.
    """
    # What lives now lives as long as the process: no need to look at it again and again.
    gc.freeze()
    gc.disable()
    try:
        while True:
            await asyncio.sleep(seconds)
            gc.collect()
    finally:
        gc.enable()
        gc.unfreeze()
