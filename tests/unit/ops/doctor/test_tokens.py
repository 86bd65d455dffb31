"""The doctor's check of tokens."""

from pathlib import Path

import pytest

from mostread.infra.auth.tokens import hash_token
from mostread.ops.doctor.checks.tokens import tokens
from mostread.ops.doctor.findings import Finding, Level, ok
from mostread.ops.inspection.clients import SystemClients

HASH = hash_token("one")
NOW = 1_795_461_787_000  # 2026-11-23T19:23:07Z


def check() -> list[Finding]:
    return list(tokens(SystemClients(services={}, now_ms=lambda: NOW)))


def test_tokens_that_expire_within_a_week_are_warnings_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "tokens"
    file.write_text(
        f"past:cms:{HASH}::2026-11-23\nsoon:emit:{HASH}::2026-11-30\n"
        f"rotated:cms:{HASH}::2026-11-24\nrotated:cms:{HASH}\nlater:editor:{HASH}::2026-12-01\n"
    )
    monkeypatch.setenv("MOSTREAD_COLLECTOR_TOKENS_FILE", str(file))
    monkeypatch.setenv("MOSTREAD_RANKING_TOKENS_FILE", str(file))
    monkeypatch.setenv("MOSTREAD_RANKING_TOKENS", f"wall:viewer:{HASH}::2026-11-29")

    findings = check()

    assert [finding.message for finding in findings] == [
        "the token 'past' (cms) expired at 2026-11-23T00:00:00Z",
        "the token 'soon' (emit) expires at 2026-11-30T00:00:00Z",
        "the token 'wall' (viewer) expires at 2026-11-29T00:00:00Z",
    ]
    assert {finding.level for finding in findings} == {Level.WARNING}
    assert all("`mostread token rotate`" in finding.advice for finding in findings)


def test_tokens_without_an_expiry_are_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check() == []
    monkeypatch.setenv("MOSTREAD_COLLECTOR_TOKENS", f"a:cms:{HASH},b:cms:{HASH}::2027-01-01")
    assert check() == [ok("2 tokens, of which none expires within a week")]


def test_invalid_tokens_file_is_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text(f"a:boss:{HASH}")
    monkeypatch.setenv("MOSTREAD_COLLECTOR_TOKENS_FILE", str(tmp_path / "tokens"))
    [finding] = check()
    assert finding.level is Level.PROBLEM
    assert "'a' needs a role" in finding.message
