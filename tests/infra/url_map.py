"""What a URL map does with a path: as much of Google's rules as ours make use of.

The path is taken as it was sent: without percent-decoding, and with all of its slashes.

Source: https://cloud.google.com/load-balancing/docs/url-map-concepts (route rules: the first by
priority of which one match rule fits; prefixMatch, ignoreCase)
"""

from collections.abc import Iterator
from typing import Any

from tests.infra.made import Made, Resource

OLD = "the old service"

Shares = dict[str, int]
"""By service: which part of the requests it gets, in percent."""


class UrlMap:
    """A URL map, and what lies behind it."""

    def __init__(self, made: Made, resource: Resource) -> None:
        self._made = made
        self._resource = resource

    def prefixes(self, host: str) -> Iterator[str]:
        """Yield every prefix of the rules for a host."""
        for rule in self._matcher(host)["route_rules"]:
            for match in rule["match_rules"]:
                yield match["prefix_match"]

    def prefix_of(self, host: str, path: str) -> str | None:
        """Return the prefix by which a rule takes a request's path; None: the default takes it."""
        found = self._rule(host, path)
        return None if found is None else found[0]

    def shares(self, host: str, path: str) -> Shares:
        """Return who gets a request."""
        found = self._rule(host, path)
        if found is None:
            matcher = self._matcher(host)
            return self._shares(matcher["default_route_action"], matcher["default_service"])
        return self._shares(found[1]["route_action"], found[1]["service"])

    def _rule(self, host: str, path: str) -> tuple[str, dict[str, Any]] | None:
        rules = self._matcher(host)["route_rules"]
        for rule in sorted(rules, key=lambda each: int(each["priority"])):
            for match in rule["match_rules"]:
                if _matches(match, path):
                    return match["prefix_match"], rule
        return None

    def _matcher(self, host: str) -> dict[str, Any]:
        [name] = [
            each["path_matcher"]
            for each in self._resource["host_rule"]
            if host in each["hosts"] or "*" in each["hosts"]
        ]
        [matcher] = [each for each in self._resource["path_matcher"] if each["name"] == name]
        found: dict[str, Any] = matcher
        return found

    def _shares(self, action: list[dict[str, Any]], service: str | None) -> Shares:
        if not action:
            assert service is not None
            return {self._service_behind(service): 100}
        [only] = action
        return {
            self._service_behind(each["backend_service"]): each["weight"]
            for each in only["weighted_backend_services"]
        }

    def _service_behind(self, reference: str) -> str:
        backend = self._made.referred("compute_backend_service", reference)
        group = backend.block("backend")["group"]
        ours = self._made.of("compute_region_network_endpoint_group")
        for each in ours:
            if group in (each["id"], each["self_link"]):
                return str(each.block("cloud_run")["service"])
        self._made.referred("compute_global_network_endpoint_group", group)
        return OLD


def _matches(match: dict[str, Any], path: str) -> bool:
    prefix: str = match["prefix_match"]
    if match["ignore_case"]:
        return path.lower().startswith(prefix.lower())
    return path.startswith(prefix)
