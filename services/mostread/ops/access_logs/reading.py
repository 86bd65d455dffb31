"""Access log files, read in their formats and sorted into views and others."""

from collections.abc import Callable, Sequence
from itertools import chain, islice

from mostread.ops.access_logs.files import STDIN, read_lines
from mostread.ops.access_logs.filters import LineFilter
from mostread.ops.access_logs.formats.detection import SAMPLE_LINES, detect
from mostread.ops.access_logs.formats.log_format import FormatFactory, FormatOptions, LogFormat


def filter_files(
    files: Sequence[str],
    line_filter: LineFilter,
    options: FormatOptions,
    forced: FormatFactory | None,
    advance: Callable[[int], None],
) -> dict[str, LogFormat]:
    """Add the lines of all files to `line_filter`; return the format of each file.

    Without a forced format, the first lines of a file decide about it. Calls `advance` with the
    number of bytes read since. Raises InvalidFile where a file cannot be read.
    """
    formats = {}
    for name in files:
        shown = "stdin" if name == STDIN else name
        lines = read_lines(name, advance)
        sample = list(islice(lines, SAMPLE_LINES))
        log_format = detect([line for _, line in sample], options, forced)
        for number, line in chain(sample, lines):
            line_filter.add(shown, number, line, log_format)
        formats[shown] = log_format
    return formats
