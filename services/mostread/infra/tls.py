"""TLS files of clients and servers, and explanations of failed handshakes."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from mostread.errors import Misconfigured

_EXPIRED, _NOT_YET = 10, 9
_OTHER_HOST = {62, 64}  # X509_V_ERR_HOSTNAME_MISMATCH and _IP_ADDRESS_MISMATCH
# Alerts of a server that requires a client certificate, or another one.
_CLIENT_REFUSED = ("CERTIFICATE_REQUIRED", "UNKNOWN_CA", "BAD_CERTIFICATE", "HANDSHAKE_FAILURE")
_CLIENT_EXPIRED = "ALERT_CERTIFICATE_EXPIRED"


class SettingNames(NamedTuple):
    """Names of a server's settings: their prefix, and the one of its address."""

    prefix: str
    address: str


@dataclass(frozen=True)
class TlsFiles:
    """TLS files of a server's settings; empty means none. Host names are verified."""

    names: SettingNames
    ca_file: str
    cert_file: str
    key_file: str

    @property
    def files(self) -> list[str]:
        """Names of the settings that name a file."""
        named = {"CA": self.ca_file, "CERT": self.cert_file, "KEY": self.key_file}
        return [f"{self.names.prefix}_{name}_FILE" for name, path in named.items() if path]

    def check(self, *, encrypts: bool, because: str) -> None:
        """Raise ValueError if a file is invalid, or has no effect since TLS is off.

        A setting without effect is an error, because the operator expects encryption.
        """
        if encrypts:
            try:
                self.context()
            except Misconfigured as error:
                raise ValueError(str(error)) from error
        elif files := self.files:
            raise ValueError(f"{files[0]} has no effect: {because}")

    def context(self) -> ssl.SSLContext:
        """Return a context for connections. Raises Misconfigured with the name of the setting."""
        prefix = self.names.prefix
        if self.key_file and not self.cert_file:
            raise Misconfigured(f"{prefix}_KEY_FILE has no effect without {prefix}_CERT_FILE")
        try:
            context = ssl.create_default_context(cafile=self.ca_file or None)
        except (OSError, ValueError) as error:
            raise Misconfigured(
                f"{prefix}_CA_FILE: {self.ca_file} {_unreadable(error, 'certificate')}"
            ) from error
        if self.cert_file:
            load_certificate(context, prefix, self.cert_file, self.key_file)
        return context


def load_certificate(context: ssl.SSLContext, prefix: str, cert_file: str, key_file: str) -> None:
    """Load a certificate and its key, which may be in the same file.

    `prefix` is that of the settings. Raises Misconfigured with their names.
    """
    try:
        # The password callback keeps OpenSSL from prompting at the terminal.
        context.load_cert_chain(cert_file, key_file or None, lambda: "")
    except (OSError, ValueError) as error:
        key_setting = ", _KEY_FILE" if key_file else ""
        files = f"{cert_file}, {key_file}" if key_file else cert_file
        content = "certificate with an unencrypted key that belongs to it"
        raise Misconfigured(
            f"{prefix}_CERT_FILE{key_setting}: {files} {_unreadable(error, content)}"
        ) from error


def explain_tls_error(error: BaseException, server: str, names: SettingNames) -> str | None:
    """Return why TLS with `server` failed and how to fix it.

    Return None if TLS is not the cause, or the server just closed the connection.
    """
    for each in error_chain(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return f"{server} is not trusted: {_server_certificate_error(each, names)}"
        # A server that restarts closes connections during their handshakes.
        if isinstance(each, ssl.SSLError) and not isinstance(each, ssl.SSLEOFError):
            return f"{server} failed: {_handshake_error(each, names)}"
    return None


def _server_certificate_error(error: ssl.SSLCertVerificationError, names: SettingNames) -> str:
    if error.verify_code == _EXPIRED:
        return "the certificate has expired; renew it on the server"
    if error.verify_code == _NOT_YET:
        return "the certificate is not valid yet; check the clocks of both machines"
    message = error.verify_message.rstrip(".")
    if error.verify_code in _OTHER_HOST:
        return (
            f"the certificate is for another name ({message}); set {names.address} to its name, or "
            "give the server a certificate for this one"
        )
    return (
        f"no trusted CA signed the certificate ({message}); set {names.prefix}_CA_FILE to the CA "
        "that did"
    )


def _handshake_error(error: ssl.SSLError, names: SettingNames) -> str:
    reason = error.reason or str(error)
    if _CLIENT_EXPIRED in reason:
        return f"the client certificate has expired; renew {names.prefix}_CERT_FILE"
    if any(each in reason for each in _CLIENT_REFUSED):
        return (
            f"the client certificate is rejected or missing ({reason}); set "
            f"{names.prefix}_CERT_FILE and {names.prefix}_KEY_FILE to one that the server trusts"
        )
    return f"the server does not speak TLS on this port ({reason}); check {names.address}"


def _unreadable(error: Exception, content: str) -> str:
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        return f"cannot be read ({error.strerror})"
    return f"does not contain a {content} (PEM)"


def error_chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, in whatever way libraries have wrapped them."""
    seen: set[int] = set()
    todo: list[object] = [error]
    while todo:
        each = todo.pop()
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            yield each
            todo += [*each.args, getattr(each, "reason", None), each.__context__, each.__cause__]
