"""The tracker as it is served, made of its source: `make tracker` writes it."""

from pathlib import Path

import minify

SOURCE = Path(__file__).parents[1] / "services/mostread/collector/static/tracker.js"
SERVED = SOURCE.with_suffix(".min.js")


def minified(source: str) -> str:
    """Return a script that does the same in fewer bytes."""
    made: str = minify.string("text/javascript", source)
    return made


if __name__ == "__main__":
    SERVED.write_text(minified(SOURCE.read_text()))
