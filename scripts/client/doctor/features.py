"""Checks of `GET /features`: without a good answer, the app does not accept the server."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

from scripts.client.doctor.causes import cause_of
from scripts.client.doctor.findings import ALL, Feature, Finding, Severity
from scripts.client.doctor.server import Answer, Server

_PATH = "/features"
_SHOWN = 'The test in the app says "not a LiftLog server".'
_UPDATE = "Update LiftLog's server, and check that no proxy changes its responses."
_HITS = ("x-cache", "cf-cache-status", "x-cache-status", "x-proxy-cache")


@dataclass(frozen=True)
class Offer:
    """The features in the response of the server."""

    is_on: Mapping[Feature, bool] = field(default_factory=dict)
    """Empty if `/features` gives no good answer."""

    findings: list[Finding] = field(default_factory=list)
    is_liftlog: bool = False

    def allows(self, feature: Feature) -> bool:
        """Return whether a feature is on, or unknown."""
        return self.is_on.get(feature, True)


async def check_features(server: Server) -> Offer:
    """Read `/features`, and find out whether the server is LiftLog."""
    answer = await server.ask("GET", _PATH)
    if answer.status == HTTPStatus.OK and isinstance(answer.json, dict):
        # The second answer shows whether a cache keeps the first one.
        cached = _check_cache(await server.ask("GET", _PATH))
        is_on, findings = _read(answer.json)
        return Offer(is_on, [*findings, *cached], is_liftlog=True)
    health = await server.ask("GET", "/health")
    is_liftlog = health.status == HTTPStatus.OK and health.body.strip() == b"healthy"
    finding = await _reason(server, answer, is_liftlog=is_liftlog)
    return Offer({}, [finding], is_liftlog)


def _read(values: Mapping[str, object]) -> tuple[dict[Feature, bool], list[Finding]]:
    is_on = {each: value for each in Feature if isinstance(value := values.get(each), bool)}
    wrong = [each for each in Feature if each not in is_on]
    findings = [
        Finding(
            f"`/features` has {'no true or false' if each in values else 'no entry'} for {each}",
            f"The app shows only names whose value is `true`. {_UPDATE}",
            frozenset({each}),
        )
        for each in wrong
    ]
    return is_on, findings


async def _reason(server: Server, answer: Answer, *, is_liftlog: bool) -> Finding:
    base = server.backend.base
    if answer.status == HTTPStatus.NOT_FOUND:
        return await _reason_of_404(server, answer, is_liftlog=is_liftlog)
    if answer.status == HTTPStatus.OK and not answer.is_page:
        form = "not JSON" if answer.json is None else "JSON, but not an object"
        return Finding(
            f"`/features` returns {form}",
            f"{_SHOWN} Check the proxy's rule for this address. {_UPDATE}",
        )
    return cause_of(answer, base).finding("GET /features", ALL)


async def _reason_of_404(server: Server, answer: Answer, *, is_liftlog: bool) -> Finding:
    prefix = urlsplit(server.backend.base).path
    if prefix and answer.problem_field("instance").startswith(f"{prefix}{_PATH}"):
        return Finding(
            f"the proxy does not remove {prefix}: LiftLog gets {prefix}/features",
            f"Let the proxy remove {prefix} before it forwards a request: with nginx, a slash at "
            "the end of `proxy_pass`; with Caddy, `handle_path`; with Traefik, `stripPrefix`.",
        )
    if is_liftlog and (answer.is_problem or not answer.body):
        return Finding(
            "`/features` is missing (404): the server is older than today's app",
            f"{_SHOWN} Update the server. Old apps keep working.",
        )
    return cause_of(answer, server.backend.base).finding("GET /features", ALL)


def _check_cache(answer: Answer) -> list[Finding]:
    age = answer.headers.get("age", "0")
    is_hit = any("hit" in answer.headers.get(name, "").lower() for name in _HITS)
    if not is_hit and age == "0":
        return []
    return [
        Finding(
            "a cache answers `/features`",
            "Switch off the cache of the proxy for this address: a changed setting would stay "
            "hidden.",
            severity=Severity.WARNING,
        )
    ]
