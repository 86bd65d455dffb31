"""Whether the database suits this code: it must know what the code asks for, and no more than
the code can bear.

A migration only adds, so that the code before it goes on working until it is replaced. One that
does not says so in its name, `NNNN_breaking_...`: whoever does not know it must not run on it.
"""

from collections.abc import Iterable

from mostread.errors import Misconfigured, SchemaTooNew
from mostread.infra.schemas import migrations

BREAKING = "_breaking_"


def check_applied(applied: Iterable[tuple[int, str]]) -> None:
    """Hold the migrations that were applied, by number and name, against those of this code.

    Raises Misconfigured where one is missing, and SchemaTooNew where this code is too old.
    """
    names = dict(applied)
    known = {int(path.name[:4]): path.stem for path in migrations()}
    newer = {number: name for number, name in names.items() if number not in known}
    if broken := [name for _, name in sorted(newer.items()) if BREAKING in name]:
        raise SchemaTooNew(
            f"the database was changed by {broken[-1]} for a newer mostread, and this one would "
            "do harm to it; run the newer one"
        )
    if missing := sorted(known.keys() - names.keys()):
        raise Misconfigured(
            f"the database lacks migration {known[missing[0]]}; run `mostread init` of this version"
        )
