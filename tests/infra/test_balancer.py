"""The load balancer: routing from the domain to the services and to the old service."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from functions.backup.main import resources as backup_resources
from functions.chat.main import resources
from scripts.self_hosted.all_services import AllServices
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from tests.infra.environments import ENVIRONMENTS, TRAFFIC_SPLIT, Environment, workspace
from tests.infra.path_spellings import (
    app_spellings,
    doubly_encoded,
    example_path,
    find_route,
    rare_spellings,
)
from tests.infra.state import Resource, State, parse_seconds
from tests.infra.url_map import OLD, UrlMap

_SERVICES = ("users", "events", "social", "sharing", "ai", "chat", "backup")
HEALTH = ("/health", "/health/ready", "/v2/health", "/v2/health/ready")


@cache
def paths() -> dict[str, str]:
    """Return the service of each route and WebSocket, by its path template."""
    services = AllServices(Database(DatabaseSettings()), resources, backup_resources)
    routes = {route.path: name for name in _SERVICES for route in services.routes[name]}
    return {**routes, **dict.fromkeys([each.path for each in services.chat.sockets()], "chat")}


def url_map(state: State) -> UrlMap:
    """Return the URL map of the HTTPS proxy."""
    [proxy] = state.of("compute_target_https_proxy")
    return UrlMap(state, state.referenced("compute_url_map", proxy["url_map"]))


def domain(state: State) -> str:
    """Return the domain in the certificate."""
    [certificate] = state.of("compute_managed_ssl_certificate")
    [name] = certificate.block("managed")["domains"]
    return str(name)


def backends(state: State) -> dict[str, Resource]:
    """Return all backends by name."""
    return {str(each["name"]): each for each in state.of("compute_backend_service")}


def has_old_service(state: State) -> bool:
    """Return whether an environment has the old service."""
    return state.of("compute_global_network_endpoint") != []


def expected(state: State, service: str) -> dict[str, int]:
    """Return the traffic split that a service should have."""
    if not has_old_service(state):
        return {service: 100}
    return {service: TRAFFIC_SPLIT[service], OLD: 100 - TRAFFIC_SPLIT[service]}


@pytest.mark.parametrize("template", paths())
def test_app_spelling_reaches_its_service(prod: State, template: str) -> None:
    routing = url_map(prod)
    for path in app_spellings(example_path(template)):
        assert find_route(path, paths()) == template, path
        assert routing.split_of(domain(prod), path) == expected(prod, paths()[template]), path


@pytest.mark.parametrize("template", paths())
def test_rare_spelling_reaches_its_service_or_users(prod: State, template: str) -> None:
    routing = url_map(prod)
    for path in rare_spellings(example_path(template)):
        assert find_route(path, paths()) is not None, path
        service = paths()[find_route(path, paths()) or template]
        safe = (expected(prod, service), expected(prod, "users"))
        assert routing.split_of(domain(prod), path) in safe, path


@pytest.mark.parametrize("template", paths())
def test_doubly_encoded_path_reaches_its_own_service(prod: State, template: str) -> None:
    routing = url_map(prod)
    for path in doubly_encoded(example_path(template)):
        served = find_route(path, paths())
        # A lookup with a doubly encoded letter is another lookup. A literal with one fits no route.
        if served is not None:
            assert routing.split_of(domain(prod), path) == expected(prod, paths()[served]), path


@pytest.mark.parametrize(
    "path",
    ["/", "/nonsense", "/v2/", "/openapi.json", "/v2/openapi.json", "/features", "/v2/features"],
)
def test_unknown_path_reaches_users(state: State, path: str) -> None:
    assert url_map(state).split_of(domain(state), path) == expected(state, "users")


@pytest.mark.parametrize("path", HEALTH)
def test_health_check_reaches_new_service_at_any_split(state: State, path: str) -> None:
    for spelling in (path, path.upper(), f"/{path}", f"{path}/"):
        assert url_map(state).split_of(domain(state), spelling) == {"users": 100}, spelling


def test_environments_have_the_same_rules(state: State, prod: State) -> None:
    prefixes = set(url_map(state).prefixes(domain(state)))
    assert prefixes == set(url_map(prod).prefixes(domain(prod)))


def test_prefixes_are_needed_and_unique(prod: State) -> None:
    needed = {
        url_map(prod).prefix_of(domain(prod), spelling)
        for path in (*map(example_path, paths()), "/health")
        for spelling in app_spellings(path)
    }
    prefixes = list(url_map(prod).prefixes(domain(prod)))
    assert sorted(prefixes) == sorted(each for each in needed if each is not None)


def test_rules_are_in_order_of_priority(prod: State) -> None:
    [matcher] = [each for m in prod.of("compute_url_map") for each in m["path_matcher"]]
    priorities = [rule["priority"] for rule in matcher["route_rules"]]
    assert priorities == sorted(set(priorities))
    assert not matcher["path_rule"]  # a path matcher allows only one kind of rules


def test_prod_can_route_each_path_to_the_old_service(prod: State) -> None:
    assert has_old_service(prod)
    for template in paths():
        assert OLD in url_map(prod).split_of(domain(prod), example_path(template))


def test_backends_refer_to_services_by_name(state: State) -> None:
    groups = state.of("compute_region_network_endpoint_group")
    assert sorted(each.block("cloud_run")["service"] for each in groups) == sorted(_SERVICES)
    for each in groups:
        assert each["network_endpoint_type"] == "SERVERLESS"
        assert each["region"] == state.outputs["region"]


def test_old_service_gets_https_and_its_own_host_header(prod: State) -> None:
    [endpoint] = prod.of("compute_global_network_endpoint")
    assert endpoint["port"] == 443
    [group] = prod.of("compute_global_network_endpoint_group")
    assert group["network_endpoint_type"] == "INTERNET_FQDN_PORT"
    for each in backends(prod).values():
        if each.block("backend")["group"] in (group["id"], group["self_link"]):
            assert each["protocol"] == "HTTPS"
            assert f"Host: {endpoint['fqdn']}" in each["custom_request_headers"]
            chat_timeout = prod.one("cloud_run_v2_service", name="chat").block("template")[
                "timeout"
            ]
            assert each["timeout_sec"] >= parse_seconds(chat_timeout)


def test_backends_have_cloud_armor_and_no_request_log(state: State) -> None:
    policies = {each["id"] for each in state.of("compute_security_policy")}
    policies |= {each["self_link"] for each in state.of("compute_security_policy")}
    for name, each in backends(state).items():
        assert each["load_balancing_scheme"] == "EXTERNAL_MANAGED"
        assert each["security_policy"] in policies, name
        assert not any(log["enable"] for log in each["log_config"]), name


def test_http_redirects_to_https_and_keeps_the_method(state: State) -> None:
    [proxy] = state.of("compute_target_http_proxy")
    redirect = state.referenced("compute_url_map", proxy["url_map"]).block("default_url_redirect")
    assert redirect["https_redirect"]
    # After other redirects, clients repeat a POST as a GET.
    assert not redirect["strip_query"]
    assert redirect["redirect_response_code"] in ("PERMANENT_REDIRECT", "TEMPORARY_REDIRECT")
    ports = {
        each["port_range"]: each["target"] for each in state.of("compute_global_forwarding_rule")
    }
    [https] = state.of("compute_target_https_proxy")
    assert ports.keys() == {"80", "443"}
    assert ports["80"] in (proxy["id"], proxy["self_link"])
    assert ports["443"] in (https["id"], https["self_link"])


def test_both_forwarding_rules_use_the_output_address(state: State) -> None:
    schemes = {each["load_balancing_scheme"] for each in state.of("compute_global_forwarding_rule")}
    assert schemes == {"EXTERNAL_MANAGED"}  # the scheme of the backends; Google rejects a mix
    [address] = state.of("compute_global_address")
    used = {each["ip_address"] for each in state.of("compute_global_forwarding_rule")}
    assert used <= {address["address"], address["id"], address["self_link"]}
    assert state.outputs["balancer_ip"] == address["address"]


def test_tls_policy_excludes_weak_encryption(state: State) -> None:
    [proxy] = state.of("compute_target_https_proxy")
    policy = state.referenced("compute_ssl_policy", proxy["ssl_policy"])
    assert policy["profile"] in ("MODERN", "RESTRICTED")
    assert policy["min_tls_version"] in ("TLS_1_2", "TLS_1_3")


def test_certificate_is_for_the_configured_domain(environment: Environment) -> None:
    state = environment.state
    assert domain(state) == environment.variables["domain"]
    [certificate] = state.of("compute_managed_ssl_certificate")
    [proxy] = state.of("compute_target_https_proxy")
    assert proxy["ssl_certificates"] == [certificate["id"]]


def test_certificates_of_different_domains_differ(
    environments: Callable[[str], Environment],
) -> None:
    # A certificate cannot be changed, and during a replacement both exist.
    names = {
        environments(name).state.of("compute_managed_ssl_certificate")[0]["name"]
        for name in ENVIRONMENTS
    }
    assert len(names) == len(ENVIRONMENTS)


def test_unknown_host_reaches_users(state: State) -> None:
    [proxy] = state.of("compute_target_https_proxy")
    default = state.referenced("compute_url_map", proxy["url_map"])["default_service"]
    assert state.referenced("compute_backend_service", default)["name"] == "users"


def test_old_service_gets_all_requests_at_first(state: State) -> None:
    [split] = state.of("storage_bucket_object", name="traffic.json")
    initial = 0 if has_old_service(state) else 100
    assert json.loads(split["content"]) == dict.fromkeys(_SERVICES, initial)
    # Readers need the current split.
    assert split["cache_control"] == "no-store"


def test_service_that_was_added_later_is_on_the_old_side(tmp_path: Path) -> None:
    before = {name: 100 for name in TRAFFIC_SPLIT if name != "backup"}
    module = workspace(tmp_path, "prod", traffic_split=before)
    module.plan()
    state = State(module.apply())
    assert url_map(state).split_of(domain(state), "/backup") == {"backup": 0, OLD: 100}
    assert url_map(state).split_of(domain(state), "/events") == {"events": 100, OLD: 0}


def test_output_names_the_url_map_of_https(state: State) -> None:
    [proxy] = state.of("compute_target_https_proxy")
    served = state.referenced("compute_url_map", proxy["url_map"])
    assert state.outputs["url_map"] == served["name"]
