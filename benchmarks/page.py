"""Write results into the performance page, each section between two markers."""

import re
from pathlib import Path

WIDTH = 100
PAGE = Path(__file__).parents[1] / "docs/explanation/performance.md"


def replace_section(text: str, section: str, content: str) -> str:
    """Return `text` with the content between the markers of `section` replaced."""
    begin, end = f"<!-- bench:{section} -->", f"<!-- end:{section} -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    assert len(pattern.findall(text)) == 1, f"the page has the section {section} once"
    return pattern.sub(lambda _: f"{begin}\n{content}\n{end}", text)


def write(section: str, content: str) -> None:
    """Replace a section of the page."""
    PAGE.write_text(replace_section(PAGE.read_text(), section, content))
