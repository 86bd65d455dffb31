"""Which decision a request is based on."""

import pytest

from mostread.errors import InvalidBody
from mostread.ranking.api.deciding import split_based_on


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"hidden":true,"based_on":"17"}', (b'{"hidden":true}', 17)),
        (b'{"based_on":"0"}', (b"{}", 0)),
        (b'{"hidden":true}', (b'{"hidden":true}', None)),
        # The collector says what is wrong with these.
        (b"[1]", (b"[1]", None)),
        (b"\xff", (b"\xff", None)),
        (b"[" * 100_000, (b"[" * 100_000, None)),
    ],
    ids=["an id", "none yet", "absent", "an array", "not UTF-8", "deeply nested"],
)
def test_id_is_taken_from_the_body(body: bytes, expected: tuple[bytes, int | None]) -> None:
    assert split_based_on(body) == expected


@pytest.mark.parametrize("written", [b"0", b"null", b'"x"', b'""', b'"-1"', b"[]", b'"1e3"'])
def test_anything_but_an_id_is_refused_by_its_name(written: bytes) -> None:
    with pytest.raises(InvalidBody, match="based_on is not the id of a decision"):
        split_based_on(b'{"hidden":true,"based_on":' + written + b"}")
