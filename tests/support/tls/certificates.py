"""A certificate authority for tests."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)


class Authority:
    """Signs certificates; `file` is the root certificate."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True)
        self._ca = trustme.CA()
        self._directory = directory
        self.file = directory / "ca.pem"
        self._ca.cert_pem.write_to_path(str(self.file))

    def sign(self, host: str, *, common_name: str | None = None, expired: bool = False) -> Path:
        """Return a PEM file with a key, as PKCS#8, and its certificate for `host`."""
        until = datetime.now(UTC) - timedelta(hours=1) if expired else None
        signed = self._ca.issue_cert(host, common_name=common_name, not_after=until)
        key = load_pem_private_key(signed.private_key_pem.bytes(), None)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file = self._directory / f"{host}-{common_name or ''}{'-expired' if expired else ''}.pem"
        chain = b"".join(blob.bytes() for blob in signed.cert_chain_pems)
        file.write_bytes(pem + chain)
        return file
