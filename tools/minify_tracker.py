"""`make tracker`: minify the tracking script."""

from pathlib import Path

import minify

SOURCE = Path(__file__).parents[1] / "services/mostread/collector/static/tracker.js"
SERVED = SOURCE.with_suffix(".min.js")


def minified(source: str) -> str:
    """Return a smaller script with the same behaviour."""
    result: str = minify.string("text/javascript", source)
    return result


if __name__ == "__main__":
    SERVED.write_text(minified(SOURCE.read_text()))
