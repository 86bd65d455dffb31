"""Cookies of this service: read from requests, written into responses."""

from collections.abc import Iterator

from mostread.infra.http.messages import Request

_HOST_ONLY = "__Host-"
"""Prefix of cookies that no other host, not even of the same domain, can have set."""


class Cookie:
    """A cookie that scripts cannot read and other sites' forms do not send.

    `path` is the path under which browsers reach the service, with a slash at its end. A browser
    may have several, which differ in what follows the name.
    """

    def __init__(self, name: str, path: str, *, most: int = 4) -> None:
        """Take at most `most` values from a request."""
        self._name = name
        self._path = path
        self._most = most

    def values(self, request: Request) -> list[str]:
        """Return the first few values in a request, the more trustworthy first.

        Where a request is known to use HTTPS, only those that no other host can have set.
        """
        pairs = list(cookies(request))
        prefixes = [_HOST_ONLY + self._name]
        if self._path != "/" or known_scheme(request) != "https":
            prefixes.append(self._name)
        values = [
            value
            for each in prefixes
            for name, value in pairs
            if name == each or name.startswith(f"{each}-")
        ]
        # Verifying one takes time, and a head has room for thousands.
        return values[: self._most]

    def set(self, request: Request, value: str, seconds: int, suffix: str = "") -> str:
        """Return the header Set-Cookie that stores a value for some time."""
        name, secure = self._name + suffix, ""
        if _is_https(request):
            secure = "; Secure"
            if self._path == "/":
                name = _HOST_ONLY + name
        return (
            f"{name}={value}; Path={self._path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
        )

    def clear(self, request: Request) -> str:
        """Return the header Set-Cookie that removes the cookie."""
        return self.set(request, "", 0)


def cookies(request: Request) -> Iterator[tuple[str, str]]:
    """Yield the names and values of the cookies in a request."""
    for header in request.headers.get_all("Cookie"):
        for pair in header.split(";"):
            name, _, value = pair.strip().partition("=")
            yield name, value


def known_scheme(request: Request) -> str | None:
    """Return the scheme that the browser used, None if it is not known.

    A proxy may have ended TLS. A client that forges the header harms only itself, and no page of
    another origin can set it.
    """
    if request.scheme == "https":
        return "https"
    forwarded = request.headers.get("X-Forwarded-Proto", "").lower()
    return forwarded.partition(",")[0].strip() or None


def _is_https(request: Request) -> bool:
    return known_scheme(request) == "https" or request.headers.get("Origin", "").startswith(
        "https://"
    )
