"""The balancer's URL map: which share of a family's requests the new service gets.

A family's rules name its backend service, which is called like the family, and beside it the one
of the old service, each with a weight.

Source: https://cloud.google.com/compute/docs/reference/rest/v1/urlMaps (HttpRouteRule,
HttpRouteAction, WeightedBackendService)
"""

import copy
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from scripts.admin.traffic_split import FAMILIES, WHOLE

UrlMap = dict[str, Any]
"""What `gcloud compute url-maps export` prints, read."""

Weighted = list[dict[str, Any]]


def in_force(url_map: UrlMap) -> dict[str, set[int]]:
    """Return the shares of the new services by family; several where a family's rules differ."""
    found: dict[str, set[int]] = defaultdict(set)
    for family, weighted in _weighted(url_map):
        total = sum(_weight(each) for each in weighted)
        new = sum(_weight(each) for each in weighted if _name(each) == family)
        found[family].add(round(WHOLE * new / total) if total else 0)
    return {family: {WHOLE} for family in _unshared(url_map)} | found


def with_shares(url_map: UrlMap, shares: Mapping[str, int]) -> UrlMap:
    """Return a URL map whose weights are as `shares` says; what it does not name stays.

    Raises:
        ValueError: a family of `shares` has no old service beside it, or is not there at all.
    """
    changed = copy.deepcopy(url_map)
    shared = set()
    for family, weighted in _weighted(changed):
        old = [each for each in weighted if _name(each) != family]
        if family in shares and len(old) == 1:
            [new] = (each for each in weighted if _name(each) == family)
            new["weight"], old[0]["weight"] = shares[family], WHOLE - shares[family]
            shared.add(family)
    alone = [family for family in shares if family not in shared]
    if alone:
        raise ValueError(
            f"the URL map has no old service beside {', '.join(alone)}: nothing can be shared. "
            "`old_service_host` in the environment's file in infra/ says where it is"
        )
    return changed


def _weighted(url_map: UrlMap) -> Iterator[tuple[str, Weighted]]:
    """Yield each choice between new and old, with its family."""
    for node in _nodes(url_map):
        weighted = node.get("weightedBackendServices", [])
        names = [_name(each) for each in weighted]
        for family in FAMILIES:
            if family in names:
                yield family, weighted


def _unshared(url_map: UrlMap) -> Iterator[str]:
    """Yield the families of rules that know the new service alone."""
    for node in _nodes(url_map):
        for key in ("service", "defaultService"):
            name = str(node.get(key, "")).rpartition("/")[2]
            if name in FAMILIES:
                yield name


def _nodes(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from _nodes(each)
    if isinstance(value, list):
        for each in value:
            yield from _nodes(each)


def _name(weighted: Mapping[str, Any]) -> str:
    return str(weighted["backendService"]).rpartition("/")[2]


def _weight(weighted: Mapping[str, Any]) -> int:
    return int(weighted.get("weight", 0))  # a zero may be left out
