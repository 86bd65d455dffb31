"""How many files, and so connections, this process may have open."""

import resource


def allow(wanted: int) -> int:
    """Raise the limit to `wanted` as far as the system lets us; return what may be open, or
    `wanted` where that is less.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY in (soft, hard) and soft in (resource.RLIM_INFINITY, hard):
        return wanted
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(soft, wanted)
