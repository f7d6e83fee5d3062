"""The weights in the URL map."""

import copy

import pytest

from scripts.admin.traffic_split import FAMILIES
from scripts.admin.url_map import read_percents, with_split
from tests.scripts.cloud.url_map_state import build_url_map

ALL_NEW = dict.fromkeys(FAMILIES, 100)


def test_percents_are_read_from_weights() -> None:
    split = ALL_NEW | {"users": 0, "ai": 5}
    assert read_percents(build_url_map(split)) == {family: {split[family]} for family in FAMILIES}


def test_weights_need_not_add_up_to_a_hundred() -> None:
    found = build_url_map(ALL_NEW)
    new, old = found["pathMatchers"][0]["routeRules"][4]["routeAction"]["weightedBackendServices"]
    new["weight"], old["weight"] = 1, 3
    assert read_percents(found)["ai"] == {25}
    del new["weight"]
    assert read_percents(found)["ai"] == {0}
    del old["weight"]
    assert read_percents(found)["ai"] == {0}


def test_rules_with_different_weights_are_all_read() -> None:
    found = build_url_map(ALL_NEW)
    found["pathMatchers"][0]["routeRules"] += build_url_map(ALL_NEW | {"ai": 7})["pathMatchers"][0][
        "routeRules"
    ]
    assert read_percents(found)["ai"] == {7, 100}


def test_split_changes_only_weights_of_its_families() -> None:
    before = build_url_map(ALL_NEW)
    copied = copy.deepcopy(before)
    changed = with_split(before, {"users": 30, "ai": 0})
    assert changed == build_url_map(ALL_NEW | {"users": 30, "ai": 0})
    assert before == copied


def test_split_needs_an_old_service() -> None:
    alone = build_url_map(ALL_NEW, has_old=False)
    assert read_percents(alone) == {family: {100} for family in FAMILIES}
    with pytest.raises(ValueError, match=r"no old service beside ai.*`old_service_host`"):
        with_split(alone, {"ai": 5})


def test_rules_without_an_old_service_are_read() -> None:
    alone = {"defaultService": "https://example.com/global/backendServices/ai", "pathMatchers": []}
    assert read_percents(alone) == {"ai": {100}}
    with pytest.raises(ValueError, match="no old service beside ai"):
        with_split(alone, {"ai": 5})


def test_unsplit_default_does_not_hide_split_rules() -> None:
    found = build_url_map(ALL_NEW | {"users": 10})
    del found["pathMatchers"][0]["defaultRouteAction"]
    found["pathMatchers"][0]["defaultService"] = "https://example.com/backendServices/users"
    assert read_percents(found)["users"] == {10}
