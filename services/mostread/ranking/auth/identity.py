"""Identities: who sends a request, and what they may do on which site."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from mostread.infra.auth.tokens import EDITORS, PEOPLE, Role

SignedInBy = Literal["token", "proxy", "link"]

_STRONGEST_FIRST = (Role.ADMIN, Role.EDITOR, Role.VIEWER, Role.CMS, Role.EMIT)


class Grant(NamedTuple):
    """A role for some sites; no sites: for all."""

    role: Role
    sites: frozenset[str] = frozenset()

    def covers(self, site: str) -> bool:
        """Return whether the role is for this site."""
        return not self.sites or site in self.sites


@dataclass(frozen=True)
class Identity:
    """A person with roles.

    `token` is the id of the token they signed in with, empty without. `ambient` is true if the
    browser adds the credentials by itself, also to a request that a foreign page causes.
    """

    name: str
    grants: tuple[Grant, ...]
    signed_in_by: SignedInBy = "token"
    expires: datetime | None = None
    ambient: bool = False
    token: str = ""

    def may_decide(self, site: str) -> bool:
        """Return whether the person is an editor of a site."""
        return any(grant.role in EDITORS and grant.covers(site) for grant in self.grants)

    def may_view(self, site: str) -> bool:
        """Return whether the person may see the pages of a site."""
        return any(grant.role in PEOPLE and grant.covers(site) for grant in self.grants)

    @property
    def role(self) -> Role | None:
        """The strongest role, on whichever site; None without any."""
        return min((grant.role for grant in self.grants), key=_STRONGEST_FIRST.index, default=None)

    @property
    def sites(self) -> list[str] | None:
        """The sites of the strongest role, None if it is for all."""
        sites = [grant.sites for grant in self.grants if grant.role is self.role]
        if not sites:
            return []
        return sorted(frozenset().union(*sites)) if all(sites) else None
