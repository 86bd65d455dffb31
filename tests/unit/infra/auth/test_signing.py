"""Signed values, and the assertions between the ranking service and the collector."""

import msgspec
import pytest
from pydantic import SecretStr

from mostread.errors import Unauthorized
from mostread.infra.auth.assertions import LIFETIME_MS, Assertions, request_digest
from mostread.infra.auth.signing import Signer, parse_secrets

OLD, NEW, OTHER = "o" * 32, "n" * 32, "x" * 32


class Note(msgspec.Struct, frozen=True):
    text: str


NOTE = Note("Айгерім, ;\n")


def signer(*secrets: str, purpose: str = "test") -> Signer[Note]:
    return Signer(secrets, purpose, Note)


def test_signed_value_is_safe_in_headers_and_verifies() -> None:
    signed = signer(OLD).sign(NOTE)
    assert signed.replace(".", "").replace("-", "").replace("_", "").isalnum()
    assert signer(OLD).verify(signed) == NOTE


def test_rotation_signs_with_the_first_secret_and_accepts_all() -> None:
    rotated = signer(NEW, OLD)
    assert rotated.verify(signer(OLD).sign(NOTE)) == NOTE
    assert signer(NEW).verify(rotated.sign(NOTE)) == NOTE
    assert signer(OLD).verify(rotated.sign(NOTE)) is None


@pytest.mark.parametrize("text", ["", ".", "a.b", "é.é", "\udc80", "a" * 100_000])
def test_text_without_signature_is_invalid(text: str) -> None:
    assert signer(OLD).verify(text) is None


def test_value_for_another_purpose_or_type_or_with_a_changed_character_is_invalid() -> None:
    class Other(msgspec.Struct):
        number: int

    signed = signer(OLD).sign(NOTE)
    assert signer(OLD, purpose="other").verify(signed) is None
    assert signer(OTHER).verify(signed) is None
    assert Signer([OLD], "test", Other).verify(signed) is None
    for at in range(0, len(signed) - 1, 5):
        changed = signed[:at] + ("A" if signed[at] != "A" else "B") + signed[at + 1 :]
        assert signer(OLD).verify(changed) is None


def test_secrets_are_separated_by_commas_and_long() -> None:
    assert parse_secrets(SecretStr(f"{NEW}, {OLD},")) == (NEW, OLD)
    assert parse_secrets(SecretStr("")) == ()
    with pytest.raises(ValueError, match="too short"):
        parse_secrets(SecretStr(f"{NEW},short"))


def test_assertion_names_the_editor_and_the_request() -> None:
    digest = request_digest("PUT", "news", "a", b"{}")
    made = Assertions([OLD], lambda: 1_000).make("Айгерім", digest)
    assertion = Assertions([NEW, OLD], lambda: 1_000).verify(made)
    assert assertion is not None
    assert (assertion.name, assertion.digest) == ("Айгерім", digest)


@pytest.mark.parametrize("header", [None, "Bearer x", "Basic x"])
def test_other_credentials_are_no_assertion(header: str | None) -> None:
    assert Assertions([OLD], lambda: 0).verify(header) is None


@pytest.mark.parametrize("secrets", [(), (OTHER,)])
def test_assertion_of_another_secret_is_unauthorized(secrets: tuple[str, ...]) -> None:
    made = Assertions([OLD], lambda: 0).make("a", "b")
    with pytest.raises(Unauthorized, match="MOSTREAD_COLLECTOR_SESSION_SECRET"):
        Assertions(secrets, lambda: 0).verify(made)


@pytest.mark.parametrize("clock", [-LIFETIME_MS, 0, LIFETIME_MS])
def test_assertion_is_valid_while_clocks_differ_by_less_than_its_lifetime(clock: int) -> None:
    made = Assertions([OLD], lambda: 0).make("a", "b")
    assert Assertions([OLD], lambda: clock).verify(made) is not None
    with pytest.raises(Unauthorized, match="synchronise the clocks"):
        Assertions([OLD], lambda: clock * 2 or LIFETIME_MS + 1).verify(made)


def test_digest_differs_with_every_part_of_a_request() -> None:
    requests = [
        ("PUT", "news", "a", b"{}"),
        ("DELETE", "news", "a", b"{}"),
        ("PUT", "sport", "a", b"{}"),
        ("PUT", "news", "b", b"{}"),
        ("PUT", "news", "a", b"{ }"),
        ("PUT", "news", "a\n", b"{}"),
    ]
    assert len({request_digest(*each) for each in requests}) == len(requests)
