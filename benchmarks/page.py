"""The page that shows the last run: each section stands between two marks."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs/explanation/performance.md"


def shown(text: str, section: str, content: str) -> str:
    """Return `text` with what stands between the marks of `section` replaced by `content`."""
    begin, end = f"<!-- bench:{section} -->", f"<!-- end:{section} -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    assert len(pattern.findall(text)) == 1, f"{section} stands once in the page"
    return pattern.sub(lambda _: f"{begin}\n{content}\n{end}", text)


def write(section: str, content: str) -> None:
    """Show `content` in the page."""
    PAGE.write_text(shown(PAGE.read_text(), section, content))
