"""All checks, in their order."""

import asyncio
import ssl
from urllib.parse import urlsplit

from scripts.client.backend import Backend
from scripts.client.doctor.address import check_address
from scripts.client.doctor.backup import check_backup
from scripts.client.doctor.body_size import check_body_size
from scripts.client.doctor.browser import check_browser
from scripts.client.doctor.clock import check_clock
from scripts.client.doctor.connection import check_connection
from scripts.client.doctor.features import Offer, check_features
from scripts.client.doctor.findings import Feature, Finding, Severity, worst
from scripts.client.doctor.hub import check_hub
from scripts.client.doctor.routes import check_routes
from scripts.client.doctor.server import NoAnswerError, Server, client
from scripts.client.doctor.tls import check_tls


async def examine(backend: Backend) -> list[Finding]:
    """Return the findings on a backend. Later checks need the success of earlier ones."""
    tls = ssl.create_default_context()
    findings = check_address(backend.base)
    parts = urlsplit(backend.base)
    reached = await asyncio.to_thread(check_connection, parts)
    findings += reached.findings
    if reached.address is None:
        return findings
    if parts.scheme == "https":
        host, address = parts.hostname or "", reached.address
        found = await asyncio.to_thread(check_tls, host, address, reached.port, tls)
        findings += found
        if any(each.severity is Severity.PROBLEM for each in found):
            return findings
    async with client(tls) as http:
        return findings + await _examine_server(Server(backend, http, tls))


async def _examine_server(server: Server) -> list[Finding]:
    findings: list[Finding] = []
    try:
        offer = await check_features(server)
        findings += offer.findings
        if not offer.is_liftlog:
            return findings
        findings += await check_routes(server)
        findings += await check_hub(server, offer)
        findings += await check_backup(server, offer)
        findings += _check_offer(offer, findings)
        findings += await check_body_size(server, offer)
        findings += await check_clock(server)
        findings += await check_browser(server, offer)
    except NoAnswerError as error:
        findings.append(
            Finding(
                f"a request fails: {error}",
                "Check that the server runs, and see the logs of the proxy and of the server.",
            )
        )
    return findings


def _check_offer(offer: Offer, findings: list[Finding]) -> list[Finding]:
    """Compare `/features` with the routes."""
    differing = []
    for feature, is_on in offer.is_on.items():
        found = worst(feature, findings)
        severity = found.severity if found else Severity.WARNING
        if severity is (Severity.OFF if is_on else Severity.WARNING):
            differing.append(_differs(feature, is_on=is_on))
    return differing


def _differs(feature: Feature, *, is_on: bool) -> Finding:
    value, state = ("true", "off") if is_on else ("false", "on")
    return Finding(
        f"`/features` has {value} for {feature}, but {feature} is {state}",
        "Check that a proxy keeps no old response, and that all paths lead to the same server.",
        frozenset({feature}),
        Severity.WARNING,
    )
