"""Explanations of failed TLS handshakes."""

import ssl

import pytest

from mostread.infra.tls import SettingNames, error_chain, explain_tls_error

NAMES = SettingNames("MOSTREAD_KAFKA", "MOSTREAD_KAFKA_BROKERS")


def certificate_error(code: int, message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError("certificate verify failed")
    error.verify_code = code
    error.verify_message = message
    return error


def handshake_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError("handshake failed")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (certificate_error(10, "expired"), "has expired; renew it on the server"),
        (certificate_error(9, "not yet valid"), "not valid yet; check the clocks"),
        (certificate_error(62, "Hostname mismatch."), "set MOSTREAD_KAFKA_BROKERS to its name"),
        (certificate_error(19, "self-signed"), "set MOSTREAD_KAFKA_CA_FILE to the CA"),
        (handshake_error("TLSV13_ALERT_CERTIFICATE_REQUIRED"), "MOSTREAD_KAFKA_KEY_FILE"),
        (handshake_error("SSLV3_ALERT_CERTIFICATE_EXPIRED"), "renew MOSTREAD_KAFKA_CERT_FILE"),
        (handshake_error("WRONG_VERSION_NUMBER"), "check MOSTREAD_KAFKA_BROKERS"),
    ],
)
def test_explanation_names_the_setting_to_change(error: ssl.SSLError, message: str) -> None:
    wrapped = ConnectionError("failed")
    wrapped.__cause__ = error

    assert message in (explain_tls_error(wrapped, "Kafka", NAMES) or "")


@pytest.mark.parametrize("error", [ssl.SSLEOFError(), ConnectionResetError(), ValueError("bug")])
def test_error_of_another_kind_has_no_explanation(error: Exception) -> None:
    assert explain_tls_error(error, "Kafka", NAMES) is None


def test_error_chain_includes_arguments_and_ends_at_cycles() -> None:
    inner, outer = OSError("inner"), ConnectionError("outer")
    outer.args = ("outer", inner)
    inner.__context__ = outer

    assert list(error_chain(outer)) == [outer, inner]
