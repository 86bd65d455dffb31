"""How many files, and so connections, this process may have open."""

import resource


def allow(wanted: int) -> int:
    """Raise the limit to `wanted`, as far as the system lets us; return how many of them may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(soft, wanted)
