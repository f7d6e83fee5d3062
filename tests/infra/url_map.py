"""What a URL map does with a path: as much of Google's rules as ours make use of.

Source: https://cloud.google.com/load-balancing/docs/url-map-concepts (path rules: an asterisk
stands for whatever follows a slash; the longest rule wins)
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

    def rules(self, host: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield every path of the rules for a host, with its rule."""
        for rule in self._matcher(host)["path_rule"]:
            for path in rule["paths"]:
                yield path, rule

    def rule_for(self, host: str, path: str) -> str | None:
        """Return the path of the rule that a request's path falls under; None: the default."""
        matching = [each for each, _ in self.rules(host) if _matches(each, path)]
        return max(matching, key=len, default=None)

    def shares(self, host: str, path: str) -> Shares:
        """Return who gets a request."""
        rule = self.rule_for(host, path)
        if rule is None:
            matcher = self._matcher(host)
            return self._shares(matcher["default_route_action"], matcher["default_service"])
        found = dict(self.rules(host))[rule]
        return self._shares(found["route_action"], found["service"])

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


def _matches(rule: str, path: str) -> bool:
    return path.startswith(rule[:-1]) if rule.endswith("/*") else path == rule
