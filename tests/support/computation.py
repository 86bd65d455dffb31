"""A computation whose steps a test controls."""

import asyncio

from mostread.errors import ClickHouseUnavailable


class Computation:
    """Computes `<key> <how many times>`; can fail, and can wait for a release."""

    def __init__(self) -> None:
        self.times = 0
        self.failing = False
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def __call__(self, key: str) -> str:
        self.times += 1
        times = self.times
        await self.may_go_on.wait()
        if self.failing:
            raise ClickHouseUnavailable("away")
        return f"{key} {times}"
