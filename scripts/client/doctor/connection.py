"""Checks of the connection: name, addresses, port."""

import errno
import socket
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import SplitResult

from scripts.client.doctor.address import check_resolved
from scripts.client.doctor.findings import Finding, Severity

_TIMEOUT_S = 10
_MAX_ADDRESSES = 4
_DEFAULT_PORTS = {"http": 80, "https": 443}
# This machine has no route, for example no IPv6. Phones can have one.
_NO_ROUTE = {errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


@dataclass(frozen=True)
class Reached:
    """The result: the address that accepts connections, or None."""

    address: str | None
    port: int
    findings: list[Finding]


def check_connection(parts: SplitResult) -> Reached:
    """Resolve the name, and connect to each of its first addresses."""
    host, port = parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # UnicodeError: a part of the name is longer than 63 characters.
    except (socket.gaierror, UnicodeError):
        return Reached(None, port, [_unknown_name(host)])
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))[:_MAX_ADDRESSES]
    errors: dict[str, OSError] = {}
    for address in addresses:
        try:
            with closing(socket.create_connection((address, port), timeout=_TIMEOUT_S)):
                pass
        except OSError as error:
            errors[address] = error
    open_ones = [address for address in addresses if address not in errors]
    if not open_ones:
        return Reached(None, port, [_closed(address, port, errors[address]) for address in errors])
    findings = [
        _partly_closed(address, port)
        for address, error in errors.items()
        if error.errno not in _NO_ROUTE
    ]
    return Reached(open_ones[0], port, [*findings, *check_resolved(open_ones[0])])


def _unknown_name(host: str) -> Finding:
    return Finding(
        f"the name {host} has no address (DNS)",
        "Check the spelling. Then create a DNS record of the type A or AAAA for the name, and wait "
        "until it is known.",
    )


def _closed(address: str, port: int, error: OSError) -> Finding:
    if isinstance(error, ConnectionRefusedError):
        return Finding(
            f"{address} refuses connections to port {port}",
            "Start the proxy or the server, and check its port. A server that listens on 127.0.0.1 "
            "accepts only its own machine.",
        )
    if isinstance(error, TimeoutError):
        return Finding(
            f"{address} does not respond at port {port}",
            "Open the port in the firewall, and forward it in the router.",
        )
    return Finding(
        f"{address} cannot be reached at port {port}: {error.strerror}",
        "Check the DNS record and the network of this machine.",
    )


def _partly_closed(address: str, port: int) -> Finding:
    return Finding(
        f"the name also leads to {address}, which does not accept connections to port {port}",
        "Remove this address from the DNS records, or let the proxy listen on it. Some phones try "
        "it first.",
        severity=Severity.WARNING,
    )
