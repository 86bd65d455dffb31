"""CSV that spreadsheets do not take for formulas.

It follows RFC 4180, in UTF-8. Spreadsheets take a cell that begins with one of `=+-@` for a
formula, and names and headlines come from others, so an apostrophe precedes such a text, also
within a value where a spreadsheet with another separator begins a cell
(https://owasp.org/www-community/attacks/CSV_Injection).
"""

import csv
import io
import re
from collections.abc import Iterable

_FORMULA = re.compile('^(?=[\t\r\n])|(?:^|(?<=[,;\t\r\n"]))(?=[=+\\-@\uff1d\uff0b\uff0d\uff20])')


def csv_lines(rows: Iterable[Iterable[object]], separator: str = ",") -> bytes:
    """Return rows as CSV: lists joined by `|`, booleans as 0 and 1, None as nothing.

    With a semicolon as the separator, numbers have a decimal comma.
    """
    text = io.StringIO(newline="")
    cells = ([_cell(value, separator) for value in row] for row in rows)
    csv.writer(text, delimiter=separator).writerows(cells)
    return text.getvalue().encode()


def _cell(value: object, separator: str) -> object:
    if isinstance(value, list):
        value = "|".join(map(str, value))
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float) and separator == ";":
        return str(value).replace(".", ",")
    return _FORMULA.sub("'", value) if isinstance(value, str) else value
