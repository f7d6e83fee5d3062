"""The URL map of the load balancer, and the weights of the new services in it.

The rules of a family name its backend service, which has the name of the family. Beside it they
name the backend of the old service. Each has a weight.

Source: https://cloud.google.com/compute/docs/reference/rest/v1/urlMaps (HttpRouteRule,
HttpRouteAction, WeightedBackendService)
"""

import copy
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from scripts.admin.traffic_split import FAMILIES, FULL_PERCENT, TrafficSplit

UrlMap = dict[str, Any]
"""The parsed output of `gcloud compute url-maps export`."""

WeightedBackends = list[dict[str, Any]]


def read_percents(url_map: UrlMap) -> dict[str, set[int]]:
    """Return the percents of the new services by family; several if its rules differ."""
    # Weights are relative, and need not add up to 100.
    found: dict[str, set[int]] = defaultdict(set)
    for family, backends in _weighted_backends(url_map):
        total = sum(_weight(each) for each in backends)
        new = sum(_weight(each) for each in backends if _name(each) == family)
        found[family].add(round(FULL_PERCENT * new / total) if total else 0)
    # Split rules take precedence: a default without a split serves only unknown paths.
    return {family: {FULL_PERCENT} for family in _unsplit_families(url_map)} | found


def with_split(url_map: UrlMap, split: TrafficSplit) -> UrlMap:
    """Return a copy with the weights of `split`; other families keep theirs.

    Raises:
        ValueError: a family has no rules, or no old service beside it.
    """
    # A copy: the caller shows the current weights after this check.
    changed = copy.deepcopy(url_map)
    found = set()
    for family, backends in _weighted_backends(changed):
        old = [each for each in backends if _name(each) != family]
        if family in split and len(old) == 1:
            [new] = (each for each in backends if _name(each) == family)
            new["weight"], old[0]["weight"] = split[family], FULL_PERCENT - split[family]
            found.add(family)
    missing = [family for family in split if family not in found]
    if missing:
        raise ValueError(
            f"the URL map has no old service beside {', '.join(missing)}, so there is no split. "
            "Set `old_service_host` in the file of the environment in infra/"
        )
    return changed


def _weighted_backends(url_map: UrlMap) -> Iterator[tuple[str, WeightedBackends]]:
    """Yield the backends of each split rule, with its family."""
    for node in _objects(url_map):
        backends = node.get("weightedBackendServices", [])
        names = [_name(each) for each in backends]
        for family in FAMILIES:
            if family in names:
                yield family, backends


def _unsplit_families(url_map: UrlMap) -> Iterator[str]:
    """Yield the families of rules without an old service."""
    for node in _objects(url_map):
        for key in ("service", "defaultService"):
            name = str(node.get(key, "")).rpartition("/")[2]
            if name in FAMILIES:
                yield name


def _objects(value: object) -> Iterator[dict[str, Any]]:
    """Yield all objects at any depth: defaults and rules nest differently."""
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from _objects(each)
    if isinstance(value, list):
        for each in value:
            yield from _objects(each)


def _name(backend: Mapping[str, object]) -> str:
    # The API returns the full URL of a backend service.
    return str(backend["backendService"]).rpartition("/")[2]


def _weight(backend: Mapping[str, Any]) -> int:
    return int(backend.get("weight", 0))  # the API may omit a weight of zero
