"""Which HTTP status ClickHouse answers an error with, as its server's own table has it."""

AUTHENTICATION_FAILED = 516
INCORRECT_DATA = 117
NOT_IMPLEMENTED = 48
SYNTAX_ERROR = 62

_STATUSES: dict[int, frozenset[int]] = {
    # what was sent cannot be read or does not fit
    400: frozenset(
        (6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123, 167, 168, 223, 321, 376)
    )
    | {427, 675, 676},
    401: frozenset((194,)),  # a password is required
    403: frozenset((192, 193, 497, 512, AUTHENTICATION_FAILED)),
    # a name that is not known: table, column, function, database, setting, format, ...
    404: frozenset((46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511)),
    408: frozenset((159,)),
    413: frozenset((229,)),
    501: frozenset((NOT_IMPLEMENTED,)),
    503: frozenset((76, 209, 439)),
}
_BY_CODE = {code: status for status, codes in _STATUSES.items() for code in codes}


def http_status(code: int) -> int:
    """Return the status for an error number; 500 for any that has none of its own."""
    return _BY_CODE.get(code, 500)
