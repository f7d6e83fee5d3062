"""Evaluates URL maps: the part of Google's rules that `infra/` uses.

The path is compared as the client sent it, without percent-decoding and with all slashes.

Source: https://cloud.google.com/load-balancing/docs/url-map-concepts (route rules: the first by
priority with a matching rule; prefixMatch, ignoreCase)
"""

from collections.abc import Iterator

from tests.infra.state import Resource, State, Values

OLD = "the old service"

Split = dict[str, int]
"""Percent of requests by service."""


class UrlMap:
    """A URL map with its backends."""

    def __init__(self, state: State, resource: Resource) -> None:
        self._state = state
        self._resource = resource

    def prefixes(self, host: str) -> Iterator[str]:
        """Yield every prefix of the rules for a host."""
        for rule in self._matcher(host)["route_rules"]:
            for match in rule["match_rules"]:
                yield match["prefix_match"]

    def prefix_of(self, host: str, path: str) -> str | None:
        """Return the prefix of the rule that matches a path; None if the default applies."""
        found = self._find_rule(host, path)
        return None if found is None else found[0]

    def split_of(self, host: str, path: str) -> Split:
        """Return the traffic split of a path."""
        found = self._find_rule(host, path)
        if found is None:
            matcher = self._matcher(host)
            return self._split(matcher["default_route_action"], matcher["default_service"])
        return self._split(found[1]["route_action"], found[1]["service"])

    def _find_rule(self, host: str, path: str) -> tuple[str, Values] | None:
        rules = self._matcher(host)["route_rules"]
        for rule in sorted(rules, key=lambda each: int(each["priority"])):
            for match in rule["match_rules"]:
                if _matches(match, path):
                    return match["prefix_match"], rule
        return None

    def _matcher(self, host: str) -> Values:
        [name] = [
            each["path_matcher"]
            for each in self._resource["host_rule"]
            if host in each["hosts"] or "*" in each["hosts"]
        ]
        [matcher] = [each for each in self._resource["path_matcher"] if each["name"] == name]
        found: Values = matcher
        return found

    def _split(self, action: list[Values], service: str | None) -> Split:
        if not action:
            assert service is not None
            return {self._service_of(service): 100}
        [only] = action
        return {
            self._service_of(each["backend_service"]): each["weight"]
            for each in only["weighted_backend_services"]
        }

    def _service_of(self, reference: str) -> str:
        backend = self._state.referenced("compute_backend_service", reference)
        group = backend.block("backend")["group"]
        new_services = self._state.of("compute_region_network_endpoint_group")
        for each in new_services:
            if group in (each["id"], each["self_link"]):
                return str(each.block("cloud_run")["service"])
        self._state.referenced("compute_global_network_endpoint_group", group)
        return OLD


def _matches(match: Values, path: str) -> bool:
    prefix: str = match["prefix_match"]
    if match["ignore_case"]:
        return path.lower().startswith(prefix.lower())
    return path.startswith(prefix)
