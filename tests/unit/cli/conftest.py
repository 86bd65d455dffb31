"""Commands run in the process of the tests."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    """Undo how a command sets up logging, which silences it for the tests that follow."""
    root, own = logging.getLogger(), logging.getLogger("mostread")
    before = root.handlers[:], root.level, own.level, root.manager.disable
    yield
    root.handlers[:], level, own_level, disabled = before
    root.setLevel(level)
    own.setLevel(own_level)
    logging.disable(disabled)
