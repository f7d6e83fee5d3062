"""Declared routes, compared with the contract and with each other."""

from collections.abc import Mapping, Sequence
from functools import cache

import pytest

from functions.backup.main import resources as backup_resources
from functions.chat.main import resources
from scripts.self_hosted.all_services import AllServices
from shared.errors import LiftLogError, NotFound, Overloaded
from shared.schemas.sign_in import SignInRequest
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from shared.web.authentication import PasswordAuth
from shared.web.callers import CallerAuth
from shared.web.problems import STATUS
from shared.web.routes import Route

CONTRACT = {
    "users": {
        "POST /user/create",
        "GET /user/{idOrLookup}",
        "PUT /user",
        "POST /user/delete",
        "POST /users",
    },
    "events": {"PUT /event", "POST /events"},
    "social": {"PUT /follow-secret", "POST /follow-secret/delete", "PUT /inbox", "POST /inbox"},
    "sharing": {"POST /shareditem", "GET /shareditem/{id}"},
    "ai": {"POST /ai/workout", "POST /ai/session"},
    "backup": {
        "POST /backup",
        "GET /backups",
        "GET /backup/latest",
        "GET /backup/{id}",
        "DELETE /backup/{id}",
    },
    "chat": {"POST /ai-chat/negotiate", "POST /ai-chat-v2/negotiate"},
}

MIN_BODY_LIMIT_BYTES = {
    "PUT /user": (64 + 2000 + 2) * 1024 * 4 // 3,
    "PUT /event": 64 * 1024 * 4 // 3,
    "PUT /inbox": 20 * 1024 * 4 // 3,
    "POST /shareditem": 128 * 1024 * 4 // 3,
    "POST /users": 200 * 38,
    "POST /events": 200 * (38 + 42 + 37),
    "POST /ai/workout": 9 * 32 + 200,
    "POST /ai/session": 9 * 17 + 100 * 60 + 200,
}


@cache
def declared() -> Mapping[str, Sequence[Route]]:
    return AllServices(Database(DatabaseSettings()), resources, backup_resources).routes


def every_route() -> list[Route]:
    return [route for routes in declared().values() for route in routes]


def name(route: Route) -> str:
    return f"{route.method} {route.path}"


def family(error: type[LiftLogError]) -> set[type[LiftLogError]]:
    """Return an error class and its subclasses."""
    return {error}.union(*(family(below) for below in error.__subclasses__()))


def test_declared_routes_match_the_contract() -> None:
    assert {
        function: {name(route) for route in routes} for function, routes in declared().items()
    } == {**CONTRACT, "cleanup": {"POST /"}}


def test_every_error_has_a_status() -> None:
    assert family(LiftLogError) - {LiftLogError} == STATUS.keys()


def test_routes_with_credentials_declare_password_auth() -> None:
    for route in every_route():
        has_password = "password" in route.request.model_fields
        assert issubclass(route.request, SignInRequest) == has_password, name(route)
        assert isinstance(route.auth, PasswordAuth) == has_password, name(route)


def test_only_subscriber_routes_declare_purchase_auth() -> None:
    for route in every_route():
        assert isinstance(route.auth, CallerAuth) == route.path.startswith("/ai"), name(route)


def test_routes_that_hash_passwords_declare_overload() -> None:
    for route in every_route():
        hashes = isinstance(route.auth, PasswordAuth) or route.path == "/user/create"
        assert (Overloaded in route.errors) == hashes, name(route)


def test_only_sharing_hides_unknown_users() -> None:
    hiding = {
        name(route)
        for route in every_route()
        if isinstance(route.auth, PasswordAuth) and NotFound not in route.errors
    }
    assert hiding == {"POST /shareditem"}


def test_cancellable_routes_are_declared() -> None:
    assert {name(route) for route in every_route() if route.is_cancellable} == {
        "GET /user/{idOrLookup}",
        "POST /users",
        "POST /events",
        "GET /shareditem/{id}",
        "POST /inbox",
        "GET /backups",
        "GET /backup/latest",
        "GET /backup/{id}",
    }


@pytest.mark.parametrize("route", MIN_BODY_LIMIT_BYTES)
def test_body_limit_is_near_the_largest_valid_body(
    route: str,
) -> None:
    [declared_route] = [each for each in every_route() if name(each) == route]
    largest = MIN_BODY_LIMIT_BYTES[route]
    assert largest < declared_route.max_body_bytes
    if largest > 100_000:
        assert declared_route.max_body_bytes < 2 * largest


def test_small_requests_have_small_body_limits() -> None:
    limits = {name(route): route.max_body_bytes for route in every_route() if route.has_body}
    assert limits["POST /user/create"] < 8192
    assert limits["POST /user/delete"] < 8192
