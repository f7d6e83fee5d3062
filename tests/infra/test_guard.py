"""What Cloud Armor refuses before it reaches a service."""

import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from functions.chat.main import chat, resources
from scripts.costing.assumptions import Work
from scripts.local.gateway import routes_by_service
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from shared.web.routes import Route
from tests.infra.environments import workspace
from tests.infra.made import Made
from tests.infra.services import function
from tests.infra.spellings import doubly_encoded, plain, route_of, unusual, usual
from tests.infra.test_balancer import paths

_LAST = 2147483647
_DAY_S = 24 * 60 * 60
# https://cloud.google.com/armor/docs/rate-limiting-overview#parameters_for_throttling
_INTERVALS_S = {10, 30, 60, 120, 180, 240, 270, 300, 600, 900, 1200, 1800, 2700, 3600}
# https://cloud.google.com/armor/quotas: limits of one rule.
_MOST_PARTS = 5
_MAX_EXPRESSION_CHARACTERS = 2048
_MAX_PART_CHARACTERS = 1024

# The form of an expression about a route; `matches` searches, like RE2's partial match.
_OF_ROUTE = re.compile(
    r"request\.method == '(?P<method>[A-Z]+)'"
    r" && request\.path(?P<steps>(\.\w+\(\))*)\.matches\('(?P<pattern>[^']+)'\)"
)
_STEPS: dict[str, Callable[[str], str]] = {"urlDecode": unquote, "lower": str.lower}


def rules(made: Made) -> dict[int, dict[str, Any]]:
    """Return the policy's rules, by their priority."""
    [policy] = made.of("compute_security_policy")
    found = {rule["priority"]: rule for rule in policy["rule"]}
    assert len(found) == len(policy["rule"])
    return found


def expressions(made: Made) -> dict[str, dict[str, Any]]:
    """Return the rules that have an expression, by it."""
    return {
        each["expression"]: rule
        for rule in rules(made).values()
        for match in rule["match"]
        for each in match["expr"]
    }


def rate(rule: dict[str, Any]) -> float:
    """Return how many requests in a second a rule lets one address have."""
    [limit] = rule["rate_limit_options"]
    [threshold] = limit["rate_limit_threshold"]
    assert threshold["interval_sec"] in _INTERVALS_S
    return float(threshold["count"] / threshold["interval_sec"])


def takes(expression: str, method: str, path: str) -> bool:
    """Return whether an expression about a route is true of a request."""
    found = _OF_ROUTE.fullmatch(expression)
    assert found is not None, expression
    for step in found["steps"].strip(".").split("."):
        path = _STEPS[step.removesuffix("()")](path)
    return found["method"] == method and re.search(found["pattern"], path) is not None


def rule_of(made: Made, method: str, path: str) -> dict[str, Any] | None:
    """Return the rule about a route that takes a request; None: no such rule does."""
    found = [
        rule
        for expression, rule in expressions(made).items()
        if "content-length" not in expression and takes(expression, method, path)
    ]
    assert len(found) <= 1, path
    return found[0] if found else None


def rate_of(made: Made, method: str, path: str) -> float:
    """Return how many requests in a second one address may send to a route that has a rule."""
    rule = rule_of(made, method, path)
    assert rule is not None
    return rate(rule)


def rate_of_all(made: Made) -> float:
    """Return how many requests in a second one address may send in all."""
    [found] = [
        rate(each)
        for each in rules(made).values()
        if each["action"] == "throttle" and each["match"][0]["versioned_expr"]
    ]
    return found


def anonymous_writes() -> list[Route]:
    """Return the routes by which anybody may write without a password."""
    routes = routes_by_service(Database(DatabaseSettings()), chat, resources)
    named = {"POST /user/create", "PUT /inbox"}
    return [
        each
        for of_service in routes.values()
        for each in of_service
        if f"{each.method} {each.path}" in named
    ]


def test_anonymous_write_is_throttled_in_every_spelling(made: Made) -> None:
    assert len(anonymous_writes()) == 2
    for route in anonymous_writes():
        for path in (*usual(route.path), *unusual(route.path)):
            rule = rule_of(made, route.method, path)
            assert rule is not None, path
            [limit] = rule["rate_limit_options"]
            assert (rule["action"], limit["enforce_on_key"]) == ("throttle", "IP")
            assert (limit["conform_action"], limit["exceed_action"]) == ("allow", "deny(429)")
        # The router of the servers takes a line feed at the end of a path for nothing.
        assert rule_of(made, route.method, f"{route.path}%0A") is not None


def test_rule_takes_a_request_only_if_the_route_does(made: Made) -> None:
    throttled = {(route.method, route.path) for route in anonymous_writes()}
    for template in paths():
        path = plain(template)
        spellings = (*usual(path), *unusual(path), *doubly_encoded(path))
        for method, spelling in product(("GET", "POST", "PUT"), spellings):
            is_of_route = (method, route_of(spelling, paths())) in throttled
            assert (rule_of(made, method, spelling) is not None) == is_of_route, spelling


def test_everybody_is_slowed_down_in_the_end_and_nobody_else_is_refused(made: Made) -> None:
    for_all = {
        priority: rule
        for priority, rule in rules(made).items()
        if any(match["versioned_expr"] == "SRC_IPS_V1" for match in rule["match"])
    }
    throttle, last = (for_all[priority] for priority in sorted(for_all))
    assert (throttle["action"], last["action"]) == ("throttle", "allow")
    for rule in (throttle, last):
        [addresses] = rule["match"][0]["config"]
        assert addresses["src_ip_ranges"] == ["*"]
    assert max(rules(made)) == _LAST == last["priority"]
    # What is said first counts: the tighter rates have to come before.
    narrow = [rule["priority"] for rule in expressions(made).values()]
    assert max(narrow) < throttle["priority"]


def test_what_needs_no_password_is_the_slower_the_more_it_leaves_behind(made: Made) -> None:
    accounts, inboxes = rate_of(made, "POST", "/user/create"), rate_of(made, "PUT", "/inbox")
    assert accounts < inboxes < rate_of_all(made)
    # A script; and a mobile carrier, behind whose address are thousands.
    assert accounts * _DAY_S < 10_000
    assert accounts >= 1 / 60
    assert inboxes >= 1


def test_whoever_sends_wrong_passwords_without_end_takes_few_of_the_instances(prod: Made) -> None:
    for name in ("users", "events", "social", "sharing"):
        most = function(prod, name).block("service_config")["max_instance_count"]
        # Each keeps a core busy, of which an instance has one.
        assert rate_of_all(prod) * Work().hash_s < most, name


def test_the_largest_body_that_a_route_takes_passes(made: Made) -> None:
    [(expression, rule)] = [
        each for each in expressions(made).items() if "content-length" in each[0]
    ]
    [most] = re.findall(r"> (\d+)", expression)
    # Most requests have no body, and what is not there is no number.
    assert expression.startswith("has(request.headers['content-length']) && ")
    routes = routes_by_service(Database(DatabaseSettings()), chat, resources)
    largest = max(each.max_body_bytes for of_one in routes.values() for each in of_one)
    assert largest <= int(most) <= 2 * largest
    assert rule["action"].startswith("deny")
    assert rule["priority"] == min(rules(made))


def test_no_expression_is_too_long(made: Made) -> None:
    for expression in expressions(made):
        parts = re.split(r"&&|\|\|", expression)
        assert len(parts) <= _MOST_PARTS, expression
        assert max(map(len, parts)) <= _MAX_PART_CHARACTERS, expression
        assert len(expression) <= _MAX_EXPRESSION_CHARACTERS, expression


def test_it_can_be_watched_before_it_refuses(prod: Made, tmp_path: Path) -> None:
    refusing = [rule for rule in rules(prod).values() if rule["action"] != "allow"]
    assert not any(rule["preview"] for rule in refusing)
    module = workspace(tmp_path, "prod")
    module.plan("-var=guard_only_watches=true")
    [policy] = [
        each["change"]["after"]
        for each in module.planned()["resource_changes"]
        if each["type"] == "google_compute_security_policy"
    ]
    assert {rule["preview"] for rule in policy["rule"] if rule["action"] != "allow"} == {True}
