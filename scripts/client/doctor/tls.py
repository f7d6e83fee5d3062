"""Checks of TLS: the certificate, and its name and dates."""

import socket
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from scripts.client.doctor.findings import Finding, Severity

_TIMEOUT_S = 10
_RENEW_BEFORE = timedelta(days=14)
# Results of X509_verify_cert, see x509_vfy.h of OpenSSL.
_NOT_YET_VALID, _EXPIRED, _WRONG_NAMES = 9, 10, {62, 64}


def check_tls(host: str, address: str, port: int, tls: ssl.SSLContext) -> list[Finding]:
    """Connect, and check the certificate as a phone does."""
    try:
        with (
            socket.create_connection((address, port), timeout=_TIMEOUT_S) as connection,
            tls.wrap_socket(connection, server_hostname=host) as secured,
        ):
            return _check_dates(secured.getpeercert() or {})
    except ssl.SSLCertVerificationError as error:
        return [_rejected(host, error)]
    except ssl.SSLError as error:
        return [_no_tls(port, error.reason or "unknown error")]
    except OSError as error:
        return [_no_tls(port, error.strerror or type(error).__name__)]


def _rejected(host: str, error: ssl.SSLCertVerificationError) -> Finding:
    code = error.verify_code
    if code in _WRONG_NAMES:
        return Finding(
            f"the certificate is for another name than {host}",
            "Get a certificate for this name, and let the proxy use it for this name.",
        )
    if code == _EXPIRED:
        return Finding(
            "the certificate has expired",
            "Renew the certificate, and let the proxy load it. Check why the renewal did not run.",
        )
    if code == _NOT_YET_VALID:
        return Finding(
            "the certificate is not valid yet",
            "Set the clock of this machine and of the machine that issued the certificate.",
        )
    return Finding(
        f"phones do not trust the certificate: {error.verify_message}",
        "Use a certificate of a public authority, for example of Let's Encrypt, and let the proxy "
        "send the whole chain.",
    )


def _no_tls(port: int, reason: str) -> Finding:
    return Finding(
        f"port {port} does not accept TLS: {reason}",
        "Let the proxy listen with TLS on this port, or correct the port in the address.",
    )


def _check_dates(certificate: Mapping[str, object]) -> list[Finding]:
    end = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    if end - datetime.now(UTC) > _RENEW_BEFORE:
        return []
    return [
        Finding(
            f"the certificate expires on {end:%Y-%m-%d}",
            "Check that its renewal runs.",
            severity=Severity.WARNING,
        )
    ]
