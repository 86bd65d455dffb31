"""Content-Security-Policies and what they forbid."""

import pytest

from mostread.ops.doctor.page.policy import forbids_connection, forbids_script

PAGE = "https://news.example/a"
SRC = "https://collect.example/tracker.js"


@pytest.mark.parametrize(
    ("policy", "nonce", "forbidden"),
    [
        ("", "", None),
        ("img-src 'none'", "", None),
        ("script-src *", "", None),
        ("script-src https:", "", None),
        ("script-src collect.example", "", None),
        ("script-src *.example", "", None),
        ("default-src 'none'; script-src https://collect.example/tracker.js", "", None),
        ("script-src 'nonce-a'", "a", None),
        ("script-src 'self'", "", "script-src 'self'"),
        ("script-src 'nonce-a'", "b", "script-src 'nonce-a'"),
        ("default-src 'self'", "", "default-src 'self'"),
        (
            "script-src https://collect.example/other/",
            "",
            "script-src https://collect.example/other/",
        ),
        ("script-src https://collect.example:8443", "", "script-src https://collect.example:8443"),
        (
            "script-src 'strict-dynamic' https://collect.example",
            "",
            "script-src 'strict-dynamic' https://collect.example",
        ),
        ("script-src *; script-src-elem 'none'", "", "script-src-elem 'none'"),
        ("script-src *, script-src 'none'", "", "script-src 'none'"),
    ],
)
def test_script_is_forbidden_by_the_directive_that_applies(
    policy: str, nonce: str, forbidden: str | None
) -> None:
    assert forbids_script([policy], PAGE, SRC, nonce) == forbidden


def test_connection_is_forbidden_by_any_policy() -> None:
    address = "https://collect.example/v1/items"
    assert forbids_connection(["connect-src https://collect.example"], PAGE, address) is None
    assert forbids_connection(["connect-src *", "default-src 'self'"], PAGE, address) == (
        "default-src 'self'"
    )
    assert forbids_connection(["connect-src 'self'"], PAGE, "https://news.example/v1/items") is None
