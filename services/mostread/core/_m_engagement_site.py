"""The one site that is no publisher's."""

CANARY_SITE = "mostread.canary"
"""Where the canary's events count. No list that somebody reads is of this site."""
