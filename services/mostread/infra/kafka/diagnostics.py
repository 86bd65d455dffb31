"""Asking a broker why it does not let us in, where the libraries only say that it took long.

It goes the way of a connection by hand: TCP, TLS, a first request, which mechanisms of SASL are
offered, the password. All of it is the beginning of Kafka's protocol, which does not change.
"""

import socket
import ssl
import struct
from contextlib import suppress

from kafka.net.sasl import get_sasl_mechanism

from mostread.errors import Misconfigured
from mostread.infra.kafka.config import NAMES, KafkaSettings, security_options
from mostread.infra.tls import explain_tls_error

_PATIENCE_SECONDS = 2.0
_BROKERS = 3
_LONGEST = 1 << 20
# Keys of requests, and versions that every broker since 1.0 knows.
_API_VERSIONS, _SASL_HANDSHAKE, _SASL_AUTHENTICATE = (18, 0), (17, 1), (36, 0)
_NO_SASL_HERE = 34  # ILLEGAL_SASL_STATE
_SASL_FAILED = 58  # SASL_AUTHENTICATION_FAILED
NOT_KNOWN = (
    "the user or the password is wrong; check MOSTREAD_KAFKA_USERNAME, MOSTREAD_KAFKA_PASSWORD "
    "and MOSTREAD_KAFKA_SASL_MECHANISM"
)


_ANOTHER = "MOSTREAD_KAFKA_SECURITY_PROTOCOL, or the port in _BROKERS, is another there"
_NO_TLS = f"no TLS is spoken there; {_ANOTHER}"


class _EndedError(OSError):
    """The broker hung up instead of answering."""


def diagnose(settings: KafkaSettings) -> str | None:
    """Return what keeps us out of the brokers, and what to do about it.

    None where one of the first few lets us in, or none can be reached. Takes a few seconds at
    most for each.
    """
    first = None
    for broker in settings.bootstrap_servers[:_BROKERS]:
        host, _, port = broker.rpartition(":")
        if not port.isdigit():
            return f"MOSTREAD_KAFKA_BROKERS: {broker!r} is no host:port"
        address = (host.strip("[]"), int(port))
        try:
            line = socket.create_connection(address, _PATIENCE_SECONDS)
        except OSError:
            continue
        with line:
            found = _of_broker(settings, line, address)
        if found is None:
            return None
        first = first or f"Kafka at {broker}: {found}"
    return first


def _of_broker(
    settings: KafkaSettings, plain: socket.socket, address: tuple[str, int]
) -> str | None:
    try:
        line = _encrypted(settings, plain, address[0]) if settings.kafka_encrypts else plain
        with line:
            _ask(line, _API_VERSIONS, b"")
            return _of_sasl(settings, line)
    except Misconfigured as error:
        return str(error)
    except ssl.SSLError as error:
        return explain_tls_error(error, "its TLS", NAMES) or _NO_TLS
    except TimeoutError:
        return None  # it is busy, or away
    except OSError:
        return None if settings.kafka_encrypts else _of_plain(address)
    except (ValueError, KeyError, struct.error):
        # A broker that speaks TLS may say so, in TLS, or hang up.
        of_tls = None if settings.kafka_encrypts else _of_plain(address)
        return of_tls or "what it answers is not of Kafka's protocol; check MOSTREAD_KAFKA_BROKERS"


def _encrypted(settings: KafkaSettings, line: socket.socket, host: str) -> ssl.SSLSocket:
    try:
        return settings.kafka_tls.context().wrap_socket(line, server_hostname=host)
    except ssl.SSLError:
        raise
    except TimeoutError:
        raise Misconfigured(f"it does not answer in TLS; {_ANOTHER}") from None
    except OSError:
        raise Misconfigured(_NO_TLS) from None


def _of_plain(address: tuple[str, int]) -> str | None:
    """Return that the broker, which did not answer a plain request, speaks TLS, if it does."""
    with suppress(OSError), socket.create_connection(address, _PATIENCE_SECONDS) as line:
        try:
            ssl.create_default_context().wrap_socket(line, server_hostname=address[0]).close()
        except ssl.SSLCertVerificationError:
            pass  # which is TLS as well
        except ssl.SSLError:
            return None
        return (
            "it speaks TLS only; set MOSTREAD_KAFKA_SECURITY_PROTOCOL to SASL_SSL or SSL, and "
            "MOSTREAD_KAFKA_CA_FILE"
        )
    return None


def _of_sasl(settings: KafkaSettings, line: socket.socket) -> str | None:
    encrypted = "SSL" if settings.kafka_encrypts else "PLAINTEXT"
    wanted = settings.kafka_sasl_mechanism
    name = wanted.encode()
    try:
        answer = _ask(line, _SASL_HANDSHAKE, struct.pack(">h", len(name)) + name)
    except _EndedError:
        return None
    (code,) = struct.unpack_from(">h", answer)
    if not settings.kafka_asks_for_user:
        if code == _NO_SASL_HERE:
            return None
        return (
            f"it wants to know who connects; set MOSTREAD_KAFKA_SECURITY_PROTOCOL=SASL_{encrypted},"
            " MOSTREAD_KAFKA_USERNAME and MOSTREAD_KAFKA_PASSWORD"
        )
    if code == _NO_SASL_HERE:
        return f"it asks for no user; set MOSTREAD_KAFKA_SECURITY_PROTOCOL={encrypted}"
    offered = _strings(answer[2:])
    if wanted not in offered:
        return (
            f"it does not offer {wanted}; set MOSTREAD_KAFKA_SASL_MECHANISM to one of those it "
            f"offers: {', '.join(offered)}"
        )
    return None if _is_known(settings, line) else NOT_KNOWN


def _is_known(settings: KafkaSettings, line: socket.socket) -> bool:
    """Whether the broker takes our user and password."""
    name = settings.kafka_sasl_mechanism
    mechanism = get_sasl_mechanism(name)(**security_options(settings))
    while not mechanism.is_done():
        token = mechanism.auth_bytes()
        answer = _ask(line, _SASL_AUTHENTICATE, struct.pack(">i", len(token)) + token)
        code, said = struct.unpack_from(">hh", answer)
        if code != 0:
            return bool(code != _SASL_FAILED)
        at = 4 + max(said, 0)
        (length,) = struct.unpack_from(">i", answer, at)
        mechanism.receive(answer[at + 4 : at + 4 + max(length, 0)])
    return True


def _ask(line: socket.socket, request: tuple[int, int], body: bytes) -> bytes:
    """Send a request without a client's name; return the answer behind its correlation id."""
    key, version = request
    head = struct.pack(">hhih", key, version, 1, -1)
    line.sendall(struct.pack(">i", len(head + body)) + head + body)
    (size,) = struct.unpack(">i", _read(line, 4))
    if not 4 <= size <= _LONGEST:
        raise ValueError("no answer is of this size")
    return _read(line, size)[4:]


def _read(line: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = line.recv(size - len(found))
        if not part:
            raise _EndedError("it hung up")
        found += part
    return found


def _strings(array: bytes) -> list[str]:
    (count,) = struct.unpack_from(">i", array)
    found, at = [], 4
    for _ in range(count):
        (length,) = struct.unpack_from(">h", array, at)
        found.append(array[at + 2 : at + 2 + length].decode())
        at += 2 + length
    return found
