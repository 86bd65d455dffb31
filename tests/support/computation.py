"""A computation whose steps a test controls."""

import asyncio

from mostread.errors import ClickHouseUnavailable


class Computation:
    """Returns `<key> <number of calls>`; can fail, and can wait for `may_finish`."""

    def __init__(self) -> None:
        self.times = 0
        self.failing = False
        self.may_finish = asyncio.Event()
        self.may_finish.set()

    async def __call__(self, key: str) -> str:
        self.times += 1
        times = self.times
        await self.may_finish.wait()
        if self.failing:
            raise ClickHouseUnavailable("unavailable")
        return f"{key} {times}"
