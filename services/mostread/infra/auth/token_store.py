"""The tokens that are known just now: those of a setting, and those of a file."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from aiohttp import web
from prometheus_client import Gauge

from mostread.errors import InvalidFile
from mostread.infra.auth import token_file
from mostread.infra.auth.tokens import parse_tokens
from mostread.infra.logging import get_logger

log = get_logger(__name__)

LOOK_SECONDS = 1.0


class TokenStore:
    """Follows the file. One that cannot be read leaves the tokens as they were."""

    def __init__(self, fixed: str, file: str, broken: Gauge) -> None:
        """Read them: `fixed` as parse_tokens does, and of `file`, where it is not empty.

        `broken` is 1 while the file cannot be read. Raises InvalidFile: who starts it sees at
        once what is wrong.
        """
        self._fixed = parse_tokens(fixed)
        self._file = Path(file or os.devnull)
        self._broken = broken
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
            self._broken.set(1)
            log.error("tokens_file_invalid", error=str(error), kept=len(self.tokens))
        else:
            self._broken.set(0)
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
