"""Diagnosis of refused Kafka connections, which the client libraries report as timeouts.

The diagnosis connects step by step: TCP, TLS, a first request, the SASL mechanisms offered, the
password. It uses only the first requests of Kafka's protocol, in versions that every broker
supports.
"""

import socket
import ssl
import struct
from contextlib import suppress

from kafka.net.sasl import get_sasl_mechanism

from mostread.errors import Misconfigured
from mostread.infra.kafka.config import NAMES, KafkaSettings, security_options
from mostread.infra.tls import explain_tls_error

_TIMEOUT_SECONDS = 2.0
_MAX_BROKERS = 3
_MAX_RESPONSE_BYTES = 1 << 20
# API keys with versions that every broker since 1.0 supports.
_API_VERSIONS, _SASL_HANDSHAKE, _SASL_AUTHENTICATE = (18, 0), (17, 1), (36, 0)
_ILLEGAL_SASL_STATE = 34
_SASL_AUTHENTICATION_FAILED = 58
BAD_CREDENTIALS = (
    "the user or the password is wrong; check MOSTREAD_KAFKA_USERNAME, MOSTREAD_KAFKA_PASSWORD "
    "and MOSTREAD_KAFKA_SASL_MECHANISM"
)
_CHECK_PROTOCOL = "check MOSTREAD_KAFKA_SECURITY_PROTOCOL and the port in MOSTREAD_KAFKA_BROKERS"
_NO_TLS = f"the broker does not speak TLS on this port; {_CHECK_PROTOCOL}"


class _ClosedError(OSError):
    """The broker closed the connection instead of responding."""


def diagnose(settings: KafkaSettings) -> str | None:
    """Return why the brokers refuse a connection, with the setting to change.

    Return None if one of the first three accepts it, or none is reachable. Blocks for at most a
    few seconds per broker.
    """
    first = None
    for broker in settings.bootstrap_servers[:_MAX_BROKERS]:
        host, _, port = broker.rpartition(":")
        if not port.isdigit():
            return f"MOSTREAD_KAFKA_BROKERS: {broker!r} is not in the form host:port"
        address = (host.strip("[]"), int(port))
        try:
            connection = socket.create_connection(address, _TIMEOUT_SECONDS)
        except OSError:
            continue
        with connection:
            error = _broker_error(settings, connection, address)
        if error is None:
            return None
        first = first or f"Kafka at {broker}: {error}"
    return first


def _broker_error(
    settings: KafkaSettings, plain: socket.socket, address: tuple[str, int]
) -> str | None:
    try:
        connection = _encrypted(settings, plain, address[0]) if settings.kafka_encrypts else plain
        with connection:
            _send_request(connection, _API_VERSIONS, b"")
            return _sasl_error(settings, connection)
    except Misconfigured as error:
        return str(error)
    except ssl.SSLError as error:
        return explain_tls_error(error, "its TLS", NAMES) or _NO_TLS
    except TimeoutError:
        return None  # busy or unreachable
    except OSError:
        return None if settings.kafka_encrypts else _requires_tls(address)
    except (ValueError, KeyError, struct.error):
        # A broker that requires TLS answers with a TLS alert or closes the connection.
        refusal = None if settings.kafka_encrypts else _requires_tls(address)
        return refusal or "the response is not Kafka's protocol; check MOSTREAD_KAFKA_BROKERS"


def _encrypted(settings: KafkaSettings, connection: socket.socket, host: str) -> ssl.SSLSocket:
    try:
        return settings.kafka_tls.context().wrap_socket(connection, server_hostname=host)
    except ssl.SSLError:
        raise
    except TimeoutError:
        raise Misconfigured(f"the TLS handshake times out; {_CHECK_PROTOCOL}") from None
    except OSError:
        raise Misconfigured(_NO_TLS) from None


def _requires_tls(address: tuple[str, int]) -> str | None:
    """Return an error if a broker that rejected a plaintext request speaks TLS."""
    with suppress(OSError), socket.create_connection(address, _TIMEOUT_SECONDS) as connection:
        try:
            ssl.create_default_context().wrap_socket(connection, server_hostname=address[0]).close()
        except ssl.SSLCertVerificationError:
            pass  # it speaks TLS, too
        except ssl.SSLError:
            return None
        return (
            "the broker requires TLS; set MOSTREAD_KAFKA_SECURITY_PROTOCOL to SASL_SSL or SSL, and "
            "MOSTREAD_KAFKA_CA_FILE"
        )
    return None


def _sasl_error(settings: KafkaSettings, connection: socket.socket) -> str | None:
    encrypted = "SSL" if settings.kafka_encrypts else "PLAINTEXT"
    wanted = settings.kafka_sasl_mechanism
    name = wanted.encode()
    try:
        response = _send_request(connection, _SASL_HANDSHAKE, struct.pack(">h", len(name)) + name)
    except _ClosedError:
        return None
    (code,) = struct.unpack_from(">h", response)
    if not settings.kafka_uses_sasl:
        if code == _ILLEGAL_SASL_STATE:
            return None
        return (
            f"the broker requires SASL; set MOSTREAD_KAFKA_SECURITY_PROTOCOL=SASL_{encrypted},"
            " MOSTREAD_KAFKA_USERNAME and MOSTREAD_KAFKA_PASSWORD"
        )
    if code == _ILLEGAL_SASL_STATE:
        return f"the broker does not use SASL; set MOSTREAD_KAFKA_SECURITY_PROTOCOL={encrypted}"
    offered = _strings(response[2:])
    if wanted not in offered:
        return (
            f"the broker does not offer {wanted}; set MOSTREAD_KAFKA_SASL_MECHANISM to one that "
            f"it does: {', '.join(offered)}"
        )
    return None if _authenticates(settings, connection) else BAD_CREDENTIALS


def _authenticates(settings: KafkaSettings, connection: socket.socket) -> bool:
    """Return whether the broker accepts the user and password."""
    name = settings.kafka_sasl_mechanism
    mechanism = get_sasl_mechanism(name)(**security_options(settings))
    while not mechanism.is_done():
        token = mechanism.auth_bytes()
        response = _send_request(
            connection, _SASL_AUTHENTICATE, struct.pack(">i", len(token)) + token
        )
        code, length_of_message = struct.unpack_from(">hh", response)
        if code != 0:
            return bool(code != _SASL_AUTHENTICATION_FAILED)
        at = 4 + max(length_of_message, 0)
        (length,) = struct.unpack_from(">i", response, at)
        mechanism.receive(response[at + 4 : at + 4 + max(length, 0)])
    return True


def _send_request(connection: socket.socket, request: tuple[int, int], body: bytes) -> bytes:
    """Send a request without a client id; return the response after its correlation id."""
    key, version = request
    head = struct.pack(">hhih", key, version, 1, -1)
    connection.sendall(struct.pack(">i", len(head + body)) + head + body)
    (size,) = struct.unpack(">i", _read(connection, 4))
    if not 4 <= size <= _MAX_RESPONSE_BYTES:
        raise ValueError("a response cannot have this size")
    return _read(connection, size)[4:]


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise _ClosedError("the broker closed the connection")
        data += part
    return data


def _strings(array: bytes) -> list[str]:
    (count,) = struct.unpack_from(">i", array)
    strings, at = [], 4
    for _ in range(count):
        (length,) = struct.unpack_from(">h", array, at)
        strings.append(array[at + 2 : at + 2 + length].decode())
        at += 2 + length
    return strings
