"""Bearer tokens of requests."""

from datetime import UTC, datetime

import pytest

from mostread.errors import Forbidden, Unauthorized
from mostread.infra.auth.tokens import Role, Token, hash_token
from mostread.infra.http.auth import authenticate, require_role
from tests.support.http import FakeHeaders

CMS = Token("cms", Role.CMS, hash_token("secret"))
NOW = 1_795_461_787_000
TOKENS = (Token("other", Role.EDITOR, hash_token("another")), CMS)
SENT = FakeHeaders({"Authorization": "Bearer secret"})


@pytest.mark.parametrize("header", ["Bearer secret", "bearer  secret "])
def test_authenticate_returns_the_token_of_the_header(header: str) -> None:
    assert authenticate(FakeHeaders({"Authorization": header}), TOKENS, NOW) == CMS


def test_authenticate_without_header_returns_none() -> None:
    assert authenticate(FakeHeaders({}), TOKENS, NOW) is None


@pytest.mark.parametrize("header", ["Basic secret", "basic c3RhZ2luZzpwdw==", "Digest a=b, c=d"])
def test_authenticate_ignores_credentials_of_another_scheme(header: str) -> None:
    assert authenticate(FakeHeaders({"Authorization": header}), TOKENS, NOW) is None


@pytest.mark.parametrize("header", ["Bearer guess", "secret", " secret ", "", "Bearer"])
def test_authenticate_rejects_unknown_token_with_challenge(header: str) -> None:
    with pytest.raises(Unauthorized) as caught:
        authenticate(FakeHeaders({"Authorization": header}), TOKENS, NOW)

    assert 'error="invalid_token"' in caught.value.headers["WWW-Authenticate"]


def test_require_role_without_token_asks_for_one_of_the_role() -> None:
    with pytest.raises(Unauthorized, match="of the role editor") as caught:
        require_role(None, frozenset({Role.EDITOR}))

    assert "error" not in caught.value.headers["WWW-Authenticate"]


def test_require_role_rejects_a_token_of_another_role() -> None:
    with pytest.raises(Forbidden, match="'cms' has the role cms; this needs editor"):
        require_role(CMS, frozenset({Role.EDITOR}))


def test_require_role_returns_a_token_of_one_of_the_roles() -> None:
    assert require_role(CMS, frozenset({Role.CMS, Role.EDITOR})) == CMS


def test_expired_token_is_refused_by_its_name_and_time() -> None:
    expiry = datetime.fromtimestamp(NOW // 1000, UTC)
    tokens = (Token("old-cms", Role.CMS, hash_token("secret"), expires=expiry),)
    assert authenticate(SENT, tokens, NOW - 1) == tokens[0]
    with pytest.raises(Unauthorized, match="'old-cms' expired at 2026-11-23T19:23:07Z") as caught:
        authenticate(SENT, tokens, NOW)

    assert 'error="invalid_token"' in caught.value.headers["WWW-Authenticate"]
