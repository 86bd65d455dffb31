"""TLS as a client: whom we trust, who we are, and in words why a server was not believed."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from mostread.errors import Misconfigured

_EXPIRED, _NOT_YET = 10, 9
_OTHER_HOST = {62, 64}  # X509_V_ERR_HOSTNAME_MISMATCH and _IP_ADDRESS_MISMATCH
# What a server says where it wants to see another certificate of ours, or one at all.
_OURS_REFUSED = ("CERTIFICATE_REQUIRED", "UNKNOWN_CA", "BAD_CERTIFICATE", "HANDSHAKE_FAILURE")
_OURS_EXPIRED = "ALERT_CERTIFICATE_EXPIRED"


class SettingNames(NamedTuple):
    """What the settings of one server are called: their prefix, and that of its address."""

    prefix: str
    address: str


@dataclass(frozen=True)
class TlsFiles:
    """The files of one server's settings; empty means none. Host names are always checked."""

    names: SettingNames
    ca_file: str
    cert_file: str
    key_file: str

    @property
    def files(self) -> list[str]:
        """The settings that name a file."""
        named = {"CA": self.ca_file, "CERT": self.cert_file, "KEY": self.key_file}
        return [f"{self.names.prefix}_{name}_FILE" for name, path in named.items() if path]

    def check(self, *, encrypts: bool, because: str) -> None:
        """Raise ValueError where a file is wrong, or of no use as nothing is encrypted.

        What was set and would be of no effect is a mistake of which one must hear: somebody
        believes that the connection is encrypted.
        """
        if encrypts:
            try:
                self.context()
            except Misconfigured as error:
                raise ValueError(str(error)) from error
        elif files := self.files:
            raise ValueError(f"{files[0]} is of no use: {because}")

    def context(self) -> ssl.SSLContext:
        """Return a context for connections. Raises Misconfigured, naming the setting."""
        prefix = self.names.prefix
        if self.key_file and not self.cert_file:
            raise Misconfigured(f"{prefix}_KEY_FILE is of no use without {prefix}_CERT_FILE")
        try:
            context = ssl.create_default_context(cafile=self.ca_file or None)
        except (OSError, ValueError) as error:
            raise Misconfigured(
                f"{prefix}_CA_FILE: {self.ca_file} {_unreadable(error, 'certificate')}"
            ) from error
        if self.cert_file:
            try:
                # Without the last, an encrypted key would make OpenSSL ask at the terminal.
                context.load_cert_chain(self.cert_file, self.key_file or None, lambda: "")
            except (OSError, ValueError) as error:
                where = "_KEY_FILE" if self.key_file else ""
                what = "certificate with an unencrypted key that belongs to it"
                raise Misconfigured(
                    f"{prefix}_CERT_FILE{where and ', ' + where}: "
                    f"{self.cert_file}{self.key_file and ', ' + self.key_file} "
                    f"{_unreadable(error, what)}"
                ) from error
        return context


def explain_tls_error(error: BaseException, server: str, names: SettingNames) -> str | None:
    """Return why TLS with `server` failed and what to do.

    None where it was not for TLS, and where the server just hung up.
    """
    for each in error_chain(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return f"{server} is not believed: {_of_theirs(each, names)}"
        # An end that came too soon may be that of a server which is started again.
        if isinstance(each, ssl.SSLError) and not isinstance(each, ssl.SSLEOFError):
            return f"{server} failed: {_of_connection(each, names)}"
    return None


def _of_theirs(error: ssl.SSLCertVerificationError, names: SettingNames) -> str:
    if error.verify_code == _EXPIRED:
        return "the certificate has expired; renew it on the server"
    if error.verify_code == _NOT_YET:
        return "the certificate is not valid yet; look at the clocks of both"
    said = error.verify_message.rstrip(".")
    if error.verify_code in _OTHER_HOST:
        return (
            f"the certificate is for another name ({said}); write into {names.address} what it is "
            "for, or give the server one for this name"
        )
    return (
        f"nobody we trust has signed the certificate ({said}); name the certificate of who did in "
        f"{names.prefix}_CA_FILE"
    )


def _of_connection(error: ssl.SSLError, names: SettingNames) -> str:
    reason = error.reason or str(error)
    if _OURS_EXPIRED in reason:
        return f"our own certificate has expired; renew {names.prefix}_CERT_FILE"
    if any(each in reason for each in _OURS_REFUSED):
        return (
            f"our own certificate is refused, or missing ({reason}); name one that the server "
            f"knows in {names.prefix}_CERT_FILE and {names.prefix}_KEY_FILE"
        )
    return f"no TLS is spoken there ({reason}); check {names.address}"


def _unreadable(error: Exception, what: str) -> str:
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        return f"cannot be read ({error.strerror})"
    return f"holds no {what} (PEM)"


def error_chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it came of, however libraries have wrapped it."""
    seen: set[int] = set()
    todo: list[object] = [error]
    while todo:
        each = todo.pop()
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            yield each
            todo += [*each.args, getattr(each, "reason", None), each.__context__, each.__cause__]
