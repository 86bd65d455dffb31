"""Arguments of `mostread forget`."""

import pytest
from click.testing import CliRunner

from mostread.cli.main import mostread


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "give --site SITE, or --list"),
        (["--site", "news", "--article", "x" * 129], "--article has 129 characters"),
        (["--site", "news", "--article", ""], "--article has 0 characters"),
        (["--site", "a:b"], "'a:b' is not a name; use up to 64 of A-Z a-z 0-9 . _ -"),
    ],
    ids=["no site", "long id", "empty id", "invalid site"],
)
def test_forget_refuses_arguments_before_connecting(arguments: list[str], problem: str) -> None:
    result = CliRunner().invoke(mostread, ["forget", *arguments])
    assert result.exit_code == 2
    assert problem in result.output
