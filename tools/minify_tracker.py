"""`make tracker`: build the scripts that the collector serves from tracker.js."""

import re
from pathlib import Path

import minify

STATIC = Path(__file__).parents[1] / "services/mostread/collector/static"
SOURCE = STATIC / "tracker.js"
SMALL = STATIC / "tracker.min.js"
FULL = STATIC / "tracker.full.min.js"

_FULL_ONLY = re.compile(r"^ *// full:\n.*?^ *// :full\n", re.MULTILINE | re.DOTALL)
# Without it the minifier would write syntax that browsers of 2018 do not know.
minify.config({"js-version": 2018})


def small(source: str) -> str:
    """Return the script for ordinary pages, which loads the full one where it must."""
    return _script(_FULL_ONLY.sub("", source).replace("SMALL", "true"))


def full(source: str) -> str:
    """Return the script with everything."""
    return _script(source.replace("SMALL", "false"))


def _script(module: str) -> str:
    """Return a minified script that runs the default export of a module."""
    _, exported = module.rstrip().rstrip(";").split("export default ")
    result: str = minify.string("text/javascript", f"({exported})()")
    return result


if __name__ == "__main__":
    source = SOURCE.read_text()
    SMALL.write_text(small(source))
    FULL.write_text(full(source))
