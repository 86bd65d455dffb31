"""Company sign-in: a proxy in front of the service signs people in, and names them in headers.

The headers are believed from trusted proxies only, and only those that the settings name: a proxy
passes others on unchanged, as the client sent them. Where it also serves the public, it may pass
even these on: then only the secret tells which requests it has checked.
"""

import hmac
import re
from typing import Literal

from pydantic import BaseModel, Field

from mostread.infra.auth.tokens import Role
from mostread.infra.http.messages import Headers, Request
from mostread.infra.http.networks import Networks, normalize_address
from mostread.infra.logging import get_logger
from mostread.ranking.auth.identity import Grant, Identity

ANYBODY = "*"
"""The group of everybody whom the proxy has signed in."""

SECRET_HEADER = "X-Mostread-Proxy-Secret"  # noqa: S105  its name

# The editorial log contains the name.
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,64}")

log = get_logger(__name__)


class GroupRole(BaseModel, frozen=True, extra="forbid"):
    """The role of a group, for some sites; no sites: for all."""

    role: Literal["admin", "editor", "viewer"]
    sites: frozenset[str] = Field(frozenset())


class ProxySignIn:
    """Recognises people by the headers of trusted proxies; without `user_header` nobody."""

    def __init__(
        self,
        proxies: str,
        user_header: str,
        groups_header: str,
        groups: dict[str, GroupRole],
        *,
        secret: str = "",
    ) -> None:
        self.enabled = bool(user_header)
        self._proxies = Networks(proxies)
        self._user_header = user_header
        self._groups_header = groups_header
        self._secret = secret.encode()
        self._grants = {
            name: Grant(Role(group.role), group.sites) for name, group in groups.items()
        }
        self._logged: set[str] = set()

    def find(self, request: Request) -> Identity | None:
        """Return the person whom a trusted proxy has signed in."""
        if not self.enabled or self._user_header not in request.headers:
            return None
        peer = normalize_address(request.peer)
        if not self._is_trusted(request, peer):
            return None
        names = _values(request.headers, self._user_header)
        groups = _values(request.headers, self._groups_header) if self._groups_header else []
        if names is None or groups is None:
            self._warn(
                "proxy_header_not_ascii",
                peer,
                "make the proxy send names and groups in ASCII, for example e-mail addresses and "
                f"ids of groups; {'the name' if names is None else 'a group'} is not",
            )
            return None
        if len(names) > 1 or len(groups) > 1:
            # One of them is the client's.
            self._warn(
                "proxy_header_repeated", peer, "make the proxy replace the headers of the client"
            )
            return None
        name = names[0].strip()
        if not _NAME.fullmatch(name):
            self._warn(
                "proxy_name_not_valid",
                peer,
                "name people with 1 to 64 characters, for example by their e-mail address",
            )
            return None
        member = {ANYBODY, *(each.strip() for each in ",".join(groups).split(","))}
        grants = tuple(grant for group, grant in self._grants.items() if group in member)
        return Identity(name, grants, "proxy", ambient=True)

    def _is_trusted(self, request: Request, peer: str) -> bool:
        if peer not in self._proxies:
            self._warn(
                "proxy_not_trusted",
                peer,
                "if this is your own proxy, add its network to MOSTREAD_RANKING_TRUSTED_PROXIES",
            )
            return False
        sent = request.headers.get(SECRET_HEADER, "").encode()
        if self._secret and not hmac.compare_digest(self._secret, sent):
            self._warn(
                "proxy_secret_missing",
                peer,
                f"make the proxy send MOSTREAD_RANKING_PROXY_SECRET in {SECRET_HEADER} with the "
                "requests of people it has signed in; with others it passed on what a client sent",
            )
            return False
        return True

    def _warn(self, event: str, peer: str, advice: str) -> None:
        """Log a warning the first time: every request may cause it."""
        if event not in self._logged:
            self._logged.add(event)
            log.warning(event, header=self._user_header, peer=peer, advice=advice)


def _values(headers: Headers, name: str) -> list[str] | None:
    """Return the values of a header, None if the first is not ASCII.

    Granian does not report a later one that is not: the proxy must replace the client's.
    """
    values = headers.get_all(name)
    if name in headers and values[:1] != [headers[name]]:
        return None
    return values
