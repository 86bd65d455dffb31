"""Run a command that ends when its parent does: `python tether.py PARENT_PID COMMAND ...`.

The stack's processes live in sessions of their own, so nothing else would tell them that
their supervisor was killed outright. The kernel sends them SIGTERM instead, and the setting
outlives the exec. This file runs with `python -I -S`, so it may import the standard library only.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent, then become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:  # it died before the line above
        sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606  a list, no shell


if __name__ == "__main__":
    main()
