"""The tokens that are known just now: those of the setting, and those of the file."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from aiohttp import web

from mostread import logs
from mostread.collector import token_file
from mostread.collector.metrics import CollectorMetrics
from mostread.collector.settings import CollectorSettings
from mostread.collector.tokens import parse_tokens
from mostread.errors import InvalidFile

log = logs.get(__name__)

LOOK_SECONDS = 1.0


class KnownTokens:
    """Follows the file. One that cannot be read leaves the tokens as they were."""

    def __init__(self, settings: CollectorSettings, metrics: CollectorMetrics) -> None:
        """Read them. Raises InvalidFile: who starts it sees at once what is wrong."""
        self._fixed = parse_tokens(settings.collector_tokens)
        self._file = Path(settings.collector_tokens_file or os.devnull)
        self._metrics = metrics
        self._seen = self._look()
        self.tokens = self._fixed + self._read()

    async def follow(self, _: web.Application) -> AsyncIterator[None]:
        """See changes, as long as an application lives."""
        if self._file == Path(os.devnull):
            yield
            return
        following = asyncio.create_task(self._follow())
        yield
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await asyncio.to_thread(self.renew)

    def renew(self) -> None:
        """Read the file again where it has changed."""
        if (now := self._look()) == self._seen:
            return
        self._seen = now
        try:
            if now is None:  # it is never away while `mostread token` replaces it
                raise InvalidFile(f"{self._file} is gone")
            self.tokens = self._fixed + self._read()
        except InvalidFile as error:
            self._metrics.tokens_file_broken.set(1)
            log.error("tokens_file_broken", error=str(error), kept=len(self.tokens))
        else:
            self._metrics.tokens_file_broken.set(0)
            log.info("tokens_read", tokens=len(self.tokens))

    def _read(self) -> token_file.Tokens:
        return token_file.read(self._file)

    def _look(self) -> tuple[int, int, int] | None:
        """Return what is another after each change of the file, None where there is none."""
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size
