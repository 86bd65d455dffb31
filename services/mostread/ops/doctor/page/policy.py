"""Content-Security-Policy: whether a page may load a script, or send to an address.

https://www.w3.org/TR/CSP3/, without hashes and sandboxes.
"""

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


def forbids_script(policies: Iterable[str], page: str, src: str, nonce: str) -> str | None:
    """Return the directive that forbids a script in a page's source, or None."""
    for directives in _directives(policies):
        name, sources = _first(directives, "script-src-elem", "script-src", "default-src")
        if sources is None or (nonce and f"'nonce-{nonce}'" in sources):
            continue
        # With strict-dynamic a script of the page's source needs a nonce or a hash.
        if "'strict-dynamic'" in sources or not _allows(sources, page, src):
            return " ".join((name, *sources))
    return None


def forbids_connection(policies: Iterable[str], page: str, address: str) -> str | None:
    """Return the directive that forbids requests to an address, or None."""
    for directives in _directives(policies):
        name, sources = _first(directives, "connect-src", "default-src")
        if sources is not None and not _allows(sources, page, address):
            return " ".join((name, *sources))
    return None


def _directives(policies: Iterable[str]) -> Iterable[dict[str, list[str]]]:
    for policy in ",".join(policies).split(","):
        directives: dict[str, list[str]] = {}
        for directive in policy.split(";"):
            name, *sources = directive.split() or [""]
            directives.setdefault(name.lower(), sources)
        yield directives


def _first(directives: dict[str, list[str]], *names: str) -> tuple[str, list[str] | None]:
    for name in names:
        if name in directives:
            return name, directives[name]
    return "", None


def _allows(sources: Sequence[str], page: str, address: str) -> bool:
    return any(_matches(source, page, address) for source in sources)


def _matches(source: str, page: str, address: str) -> bool:
    target, own = urlsplit(address), urlsplit(page)
    if source == "'self'":
        return (target.scheme, target.netloc) == (own.scheme, own.netloc)
    if source == "*":
        return target.scheme in _PORTS
    if source.endswith(":"):
        return _same_scheme(source[:-1].lower(), target.scheme)
    scheme, separator, rest = source.partition("://")
    if not separator:
        scheme, rest = own.scheme, source
    host, slash, path = rest.partition("/")
    host, _, port = host.partition(":")
    default = _PORTS.get(target.scheme)
    ports = {"*", str(target.port or default)} | ({""} if target.port in (None, default) else set())
    return (
        _same_scheme(scheme.lower(), target.scheme)
        and _same_host(host.lower(), target.hostname or "")
        and port in ports
        and _same_path(slash + path, target.path)
    )


def _same_scheme(allowed: str, scheme: str) -> bool:
    return scheme == allowed or (allowed, scheme) == ("http", "https")


def _same_host(allowed: str, host: str) -> bool:
    return host.endswith(allowed[1:]) if allowed.startswith("*.") else host == allowed


def _same_path(allowed: str, path: str) -> bool:
    return path.startswith(allowed) if allowed.endswith("/") or not allowed else path == allowed
