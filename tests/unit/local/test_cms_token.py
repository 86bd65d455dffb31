"""The token that a local stack makes for itself."""

import stat
from pathlib import Path

from mostread.local.cms_token import cms_token


def test_it_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "data" / "cms-token"
    token = cms_token(file)
    assert len(token) >= 32
    assert cms_token(file) == token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["cms-token"]


def test_each_folder_has_its_own(tmp_path: Path) -> None:
    assert cms_token(tmp_path / "a") != cms_token(tmp_path / "b")
