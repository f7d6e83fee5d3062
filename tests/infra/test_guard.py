"""Cloud Armor: the requests that it rejects before they reach a service."""

import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from urllib.parse import unquote

from functions.backup.main import resources as backup_resources
from functions.chat.main import resources
from scripts.costing.assumptions import Work
from scripts.self_hosted.all_services import AllServices
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from shared.web.routes import Route
from tests.infra.environments import workspace
from tests.infra.path_spellings import (
    app_spellings,
    doubly_encoded,
    example_path,
    find_route,
    rare_spellings,
)
from tests.infra.services import function
from tests.infra.state import State, Values
from tests.infra.test_balancer import paths

_LAST_PRIORITY = 2147483647
_DAY_S = 24 * 60 * 60
# https://cloud.google.com/armor/docs/rate-limiting-overview#parameters_for_throttling
_INTERVALS_S = {10, 30, 60, 120, 180, 240, 270, 300, 600, 900, 1200, 1800, 2700, 3600}
# Limits of one rule: https://cloud.google.com/armor/quotas
_MAX_PARTS = 5
_MAX_EXPRESSION_CHARACTERS = 2048
_MAX_PART_CHARACTERS = 1024
# https://cloud.google.com/run/quotas (request size)
_MAX_PLATFORM_BYTES = 32 * 1024 * 1024

# The form of an expression for a route. `matches` searches, like a partial match of RE2.
_PATH = r"request\.path(?P<steps>(\.\w+\(\))*)\.matches\('(?P<pattern>[^']+)'\)"
_OF_ROUTE = re.compile(rf"request\.method == '(?P<method>[A-Z]+)' && {_PATH}")
# The form of an expression for large bodies. Most requests have no body, and int() of a missing
# header fails, so `has` comes first.
_LENGTH = r"request\.headers\['content-length'\]"
_OF_BODY = re.compile(
    rf"has\({_LENGTH}\) && int\({_LENGTH}\) > (?P<limit>\d+)(?P<other> && !{_PATH})?"
)
_STEPS: dict[str, Callable[[str], str]] = {"urlDecode": unquote, "lower": str.lower}


def rules(state: State) -> dict[int, Values]:
    """Return the rules of the policy by priority."""
    [policy] = state.of("compute_security_policy")
    found = {rule["priority"]: rule for rule in policy["rule"]}
    assert len(found) == len(policy["rule"])
    return found


def expressions(state: State) -> dict[str, Values]:
    """Return the rules with an expression, by that expression."""
    return {
        each["expression"]: rule
        for rule in rules(state).values()
        for match in rule["match"]
        for each in match["expr"]
    }


def rate(rule: Values) -> float:
    """Return the requests per second that a rule allows for one address."""
    [limit] = rule["rate_limit_options"]
    [threshold] = limit["rate_limit_threshold"]
    assert threshold["interval_sec"] in _INTERVALS_S
    return float(threshold["count"] / threshold["interval_sec"])


def matches(expression: str, method: str, path: str) -> bool:
    """Return whether the expression of a route matches a request."""
    found = _OF_ROUTE.fullmatch(expression)
    assert found is not None, expression
    return found["method"] == method and matches_path(found, path)


def matches_path(condition: re.Match[str], path: str) -> bool:
    """Return whether the condition on the path in an expression matches a path."""
    for step in condition["steps"].strip(".").split("."):
        path = _STEPS[step.removesuffix("()")](path)
    return re.search(condition["pattern"], path) is not None


def body_rules(state: State) -> dict[re.Match[str], Values]:
    """Return the rules for large bodies, by their parsed expressions."""
    found = {_OF_BODY.fullmatch(each): rule for each, rule in expressions(state).items()}
    return {parsed: rule for parsed, rule in found.items() if parsed}


def max_body_bytes(state: State, path: str) -> int:
    """Return the largest body that passes on a path."""
    return min(
        int(each["limit"])
        for each in body_rules(state)
        if not (each["other"] and matches_path(each, path))
    )


def rule_of(state: State, method: str, path: str) -> Values | None:
    """Return the rule for a route that matches a request; None if no such rule does."""
    found = [
        rule
        for expression, rule in expressions(state).items()
        if not _OF_BODY.fullmatch(expression) and matches(expression, method, path)
    ]
    assert len(found) <= 1, path
    return found[0] if found else None


def rate_of(state: State, method: str, path: str) -> float:
    """Return the requests per second of one address to a route that has a rule."""
    rule = rule_of(state, method, path)
    assert rule is not None
    return rate(rule)


def rate_of_all(state: State) -> float:
    """Return the requests per second of one address to all routes together."""
    [found] = [
        rate(each)
        for each in rules(state).values()
        if each["action"] == "throttle" and each["match"][0]["versioned_expr"]
    ]
    return found


def all_routes() -> list[Route]:
    """Return the routes of all services."""
    routes = AllServices(Database(DatabaseSettings()), resources, backup_resources).routes
    return [each for of_service in routes.values() for each in of_service]


def largest_body(route: Route) -> int:
    """Return the bytes of the largest body that a route accepts."""
    return max(route.max_body_bytes, route.max_upload_bytes or 0)


def throttled_writes() -> list[Route]:
    """Return the routes that write without a password, and the upload of backups."""
    named = {"POST /user/create", "PUT /inbox", "POST /backup"}
    return [each for each in all_routes() if f"{each.method} {each.path}" in named]


def test_write_is_throttled_in_every_spelling(state: State) -> None:
    assert len(throttled_writes()) == 3
    for route in throttled_writes():
        for path in (*app_spellings(route.path), *rare_spellings(route.path)):
            rule = rule_of(state, route.method, path)
            assert rule is not None, path
            [limit] = rule["rate_limit_options"]
            assert (rule["action"], limit["enforce_on_key"]) == ("throttle", "IP")
            assert (limit["conform_action"], limit["exceed_action"]) == ("allow", "deny(429)")
        # The router of the servers ignores a line feed at the end of a path.
        assert rule_of(state, route.method, f"{route.path}%0A") is not None


def test_rule_matches_only_requests_of_its_route(state: State) -> None:
    throttled = {(route.method, route.path) for route in throttled_writes()}
    for template in paths():
        path = example_path(template)
        spellings = (*app_spellings(path), *rare_spellings(path), *doubly_encoded(path))
        for method, spelling in product(("GET", "POST", "PUT"), spellings):
            is_of_route = (method, find_route(spelling, paths())) in throttled
            assert (rule_of(state, method, spelling) is not None) == is_of_route, spelling


def test_last_rules_throttle_and_then_allow_all_addresses(state: State) -> None:
    for_all = {
        priority: rule
        for priority, rule in rules(state).items()
        if any(match["versioned_expr"] == "SRC_IPS_V1" for match in rule["match"])
    }
    throttle, last = (for_all[priority] for priority in sorted(for_all))
    assert (throttle["action"], last["action"]) == ("throttle", "allow")
    for rule in (throttle, last):
        [addresses] = rule["match"][0]["config"]
        assert addresses["src_ip_ranges"] == ["*"]
    assert max(rules(state)) == _LAST_PRIORITY == last["priority"]
    # The first matching rule decides, so the stricter rules need smaller priority numbers.
    stricter = [rule["priority"] for rule in expressions(state).values()]
    assert max(stricter) < throttle["priority"]


def test_throttled_writes_have_stricter_rates(state: State) -> None:
    accounts, inboxes = rate_of(state, "POST", "/user/create"), rate_of(state, "PUT", "/inbox")
    assert accounts < inboxes < rate_of_all(state)
    assert 1 <= rate_of(state, "POST", "/backup") < rate_of_all(state)
    # Stops a script, but not a mobile carrier with thousands of phones behind one address.
    assert accounts * _DAY_S < 10_000
    assert accounts >= 1 / 60
    assert inboxes >= 1


def test_password_flood_of_one_address_leaves_instances(prod: State) -> None:
    for name in ("users", "events", "social", "sharing"):
        max_instances = function(prod, name).block("service_config")["max_instance_count"]
        # Each wrong password keeps a core busy, and an instance has one core.
        assert rate_of_all(prod) * Work.password_hash_s < max_instances, name


def test_largest_body_of_each_route_passes(state: State) -> None:
    for route in all_routes():
        path = example_path(route.path)
        for spelling in (*app_spellings(path), *rare_spellings(path)):
            assert largest_body(route) <= max_body_bytes(state, spelling), spelling


def test_only_uploads_of_backups_may_be_large(state: State) -> None:
    backup, largest = (
        max(largest_body(each) for each in all_routes() if (each.path == "/backup") is is_backup)
        for is_backup in (True, False)
    )
    for template in paths():
        path = example_path(template)
        for spelling in (*app_spellings(path), *rare_spellings(path), *doubly_encoded(path)):
            is_backup = find_route(spelling, paths()) == "/backup"
            limit = max_body_bytes(state, spelling)
            assert limit <= (_MAX_PLATFORM_BYTES if is_backup else 2 * largest), spelling
    # The service answers 413 to an upload between the two limits: the contract requires it.
    assert backup < max_body_bytes(state, "/backup")


def test_large_bodies_are_denied_before_all_other_rules(state: State) -> None:
    priorities = [rule["priority"] for rule in body_rules(state).values()]
    assert sorted(rules(state))[: len(priorities)] == sorted(priorities)
    assert {rule["action"] for rule in body_rules(state).values()} == {"deny(403)"}


def test_expressions_are_within_the_limits(state: State) -> None:
    for expression in expressions(state):
        parts = re.split(r"&&|\|\|", expression)
        assert len(parts) <= _MAX_PARTS, expression
        assert max(map(len, parts)) <= _MAX_PART_CHARACTERS, expression
        assert len(expression) <= _MAX_EXPRESSION_CHARACTERS, expression


def test_preview_variable_disables_rejections(prod: State, tmp_path: Path) -> None:
    rejecting = [rule for rule in rules(prod).values() if rule["action"] != "allow"]
    assert not any(rule["preview"] for rule in rejecting)
    module = workspace(tmp_path, "prod")
    module.plan("-var=guard_preview_only=true")
    [policy] = [
        each["change"]["after"]
        for each in module.planned()["resource_changes"]
        if each["type"] == "google_compute_security_policy"
    ]
    assert {rule["preview"] for rule in policy["rule"] if rule["action"] != "allow"} == {True}
