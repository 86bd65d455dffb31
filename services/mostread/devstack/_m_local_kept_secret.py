"""A secret of a local stack: made once, kept in the data folder for its owner's eyes."""

import os
import secrets
from pathlib import Path


def kept_secret(file: Path) -> str:
    """Return the secret in `file`; where there is no such file, make both."""
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        secret = secrets.token_urlsafe(32)
    file.parent.mkdir(parents=True, exist_ok=True)
    # Complete and readable by its owner alone from the first moment it has its name.
    draft = file.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(f"{secret}\n")
    draft.replace(file)
    return secret
