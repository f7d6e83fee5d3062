"""The weights in the URL map."""

import copy

import pytest

from scripts.admin.traffic_split import FAMILIES
from scripts.admin.url_map import in_force, with_shares
from tests.scripts.cloud.balancer import url_map

WHOLE = dict.fromkeys(FAMILIES, 100)


def test_shares_are_read_from_weights() -> None:
    shares = WHOLE | {"users": 0, "ai": 5}
    assert in_force(url_map(shares)) == {family: {shares[family]} for family in FAMILIES}


def test_weights_that_do_not_add_up_to_a_hundred_are_shares_all_the_same() -> None:
    found = url_map(WHOLE)
    new, old = found["pathMatchers"][0]["routeRules"][4]["routeAction"]["weightedBackendServices"]
    new["weight"], old["weight"] = 1, 3
    assert in_force(found)["ai"] == {25}
    del new["weight"]
    assert in_force(found)["ai"] == {0}
    del old["weight"]
    assert in_force(found)["ai"] == {0}


def test_rules_that_differ_are_seen() -> None:
    found = url_map(WHOLE)
    found["pathMatchers"][0]["routeRules"] += url_map(WHOLE | {"ai": 7})["pathMatchers"][0][
        "routeRules"
    ]
    assert in_force(found)["ai"] == {7, 100}


def test_all_rules_of_a_family_change_and_nothing_else_does() -> None:
    before = url_map(WHOLE)
    untouched = copy.deepcopy(before)
    assert with_shares(before, {"users": 30, "ai": 0}) == url_map(WHOLE | {"users": 30, "ai": 0})
    assert before == untouched


def test_where_there_is_no_old_service_nothing_is_shared() -> None:
    alone = url_map(WHOLE, has_old=False)
    assert in_force(alone) == {family: {100} for family in FAMILIES}
    with pytest.raises(ValueError, match=r"no old service beside ai: .*`old_service_host`"):
        with_shares(alone, {"ai": 5})


def test_rules_that_name_the_new_service_alone_are_seen() -> None:
    alone = {"defaultService": "https://example.com/global/backendServices/ai", "pathMatchers": []}
    assert in_force(alone) == {"ai": {100}}
    with pytest.raises(ValueError, match="no old service beside ai"):
        with_shares(alone, {"ai": 5})


def test_a_default_that_is_not_shared_does_not_hide_what_is() -> None:
    found = url_map(WHOLE | {"users": 10})
    del found["pathMatchers"][0]["defaultRouteAction"]
    found["pathMatchers"][0]["defaultService"] = "https://example.com/backendServices/users"
    assert in_force(found)["users"] == {10}
