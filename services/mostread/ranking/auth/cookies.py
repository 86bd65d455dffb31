"""Cookies of this service: read from requests, written into responses."""

from mostread.infra.http.messages import Request

_HOST_ONLY = "__Host-"
"""Prefix of cookies that no other host, not even of the same domain, can have set."""

_MAX_VALUES = 4


class Cookie:
    """A cookie that scripts cannot read and other sites' forms do not send.

    `path` is the path under which browsers reach the service, with a slash at its end.
    """

    def __init__(self, name: str, path: str) -> None:
        self._name = name
        self._path = path

    def values(self, request: Request) -> list[str]:
        """Return the first few values in a request, the more trustworthy first."""
        pairs = [
            pair.strip().partition("=")
            for header in request.headers.get_all("Cookie")
            for pair in header.split(";")
        ]
        names = (_HOST_ONLY + self._name, self._name)
        values = [value for wanted in names for name, _, value in pairs if name == wanted]
        # Verifying one takes time, and a head has room for thousands.
        return values[:_MAX_VALUES]

    def set(self, request: Request, value: str, seconds: int) -> str:
        """Return the header Set-Cookie that stores a value for some time."""
        name, secure = self._name, ""
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


def _is_https(request: Request) -> bool:
    # A proxy may have ended TLS. A client that forges a header harms only its own cookie.
    return (
        request.scheme == "https"
        or request.headers.get("X-Forwarded-Proto", "").lower() == "https"
        or request.headers.get("Origin", "").startswith("https://")
    )
