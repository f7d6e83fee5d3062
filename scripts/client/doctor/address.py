"""Checks of the address itself, without a request."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from scripts.client.doctor.findings import Finding, Severity

_ROUTES = ("/features", "/backup", "/ai-chat", "/ai-chat-v2", "/health")


def check_address(base: str) -> list[Finding]:
    """Check the form of a base address."""
    parts = urlsplit(base)
    findings = []
    if parts.query or parts.fragment:
        findings.append(
            Finding(
                "the address has a query or a fragment, and the app appends the paths to it",
                "Remove everything from the ? or the # on.",
            )
        )
    if parts.path.endswith(_ROUTES):
        findings.append(
            Finding(
                f"the address ends with {parts.path}, and the app appends such a path itself",
                "Enter the base address, without this path.",
            )
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        findings.append(
            Finding(
                "the address has http: phones refuse clear text, and passwords are not protected",
                "Set up a proxy with a certificate, and enter the address with https://.",
            )
        )
    return findings


def check_resolved(address: str) -> list[Finding]:
    """Check an IP address to which the name leads."""
    # A link-local address names its interface: fe80::1%eth0.
    parsed = ip_address(address.partition("%")[0])
    if not parsed.is_private or parsed.is_loopback:
        return []
    return [
        Finding(
            f"the name leads to the private address {address}",
            "Phones reach it only in the same network, or through a VPN.",
            severity=Severity.WARNING,
        )
    ]


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
