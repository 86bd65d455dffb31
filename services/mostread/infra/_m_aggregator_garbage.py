"""Python's search for garbage that refers to itself, at its own time.

By default it looks through all that was made lately after every 700 objects, and through all
there is as soon as that has grown by a quarter. Counting makes millions of objects that refer to
nothing and live for a second: searching them in vain took a quarter of the time, and two thirds
where every event is of another article. What does need the search, of exceptions and tasks, is
little, so it can wait.
"""

import asyncio
import gc

SEARCH_SECONDS = 30


async def search_now_and_then(seconds: float = SEARCH_SECONDS) -> None:
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
