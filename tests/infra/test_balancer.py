"""The way from the domain to the services, and to the old one."""

import json
from collections.abc import Callable
from functools import cache

import pytest

from functions.chat.main import chat, resources
from scripts.local.gateway import routes_by_service
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from tests.infra.configuration import parsed
from tests.infra.environments import ENVIRONMENTS, INFRA, SHARES, Environment
from tests.infra.made import Made, Resource, seconds
from tests.infra.spellings import doubly_encoded, plain, route_of, unusual, usual
from tests.infra.url_map import OLD, UrlMap

_FAMILIES = ("users", "events", "social", "sharing", "ai", "chat")
HEALTH = ("/health", "/health/ready", "/v2/health", "/v2/health/ready")


@cache
def paths() -> dict[str, str]:
    """Return the template of every route and socket of the contract, with its service."""
    by_service = routes_by_service(Database(DatabaseSettings()), chat, resources)
    found = {route.path: service for service in _FAMILIES for route in by_service[service]}
    return {**found, **dict.fromkeys(chat.sockets(), "chat")}


def url_map(made: Made) -> UrlMap:
    """Return the URL map of HTTPS."""
    [proxy] = made.of("compute_target_https_proxy")
    return UrlMap(made, made.referred("compute_url_map", proxy["url_map"]))


def domain(made: Made) -> str:
    """Return the domain that the certificate is for."""
    [certificate] = made.of("compute_managed_ssl_certificate")
    [name] = certificate.block("managed")["domains"]
    return str(name)


def backends(made: Made) -> dict[str, Resource]:
    """Return every backend, by its name."""
    return {str(each["name"]): each for each in made.of("compute_backend_service")}


def has_old_service(made: Made) -> bool:
    """Whether an environment has the service that there was before."""
    return made.of("compute_global_network_endpoint") != []


def expected(made: Made, service: str) -> dict[str, int]:
    """Return who is to get a family's requests."""
    if not has_old_service(made):
        return {service: 100}
    return {service: SHARES[service], OLD: 100 - SHARES[service]}


@pytest.mark.parametrize("template", paths())
def test_every_spelling_that_apps_send_lands_on_its_service(prod: Made, template: str) -> None:
    found = url_map(prod)
    for path in usual(plain(template)):
        assert route_of(path, paths()) == template, path
        assert found.shares(domain(prod), path) == expected(prod, paths()[template]), path


@pytest.mark.parametrize("template", paths())
def test_other_spellings_land_on_their_service_or_users(prod: Made, template: str) -> None:
    found = url_map(prod)
    for path in unusual(plain(template)):
        assert route_of(path, paths()) is not None, path
        service = paths()[route_of(path, paths()) or template]
        safe = (expected(prod, service), expected(prod, "users"))
        assert found.shares(domain(prod), path) in safe, path


@pytest.mark.parametrize("template", paths())
def test_path_encoded_twice_lands_where_it_is_served(prod: Made, template: str) -> None:
    found = url_map(prod)
    for path in doubly_encoded(plain(template)):
        served = route_of(path, paths())
        # One letter of a lookup that was encoded twice is another lookup; a literal is no more.
        if served is not None:
            assert found.shares(domain(prod), path) == expected(prod, paths()[served]), path


@pytest.mark.parametrize("path", ["/", "/nonsense", "/v2/", "/openapi.json", "/v2/openapi.json"])
def test_everything_else_lands_on_users(made: Made, path: str) -> None:
    assert url_map(made).shares(domain(made), path) == expected(made, "users")


@pytest.mark.parametrize("path", HEALTH)
def test_the_domain_tells_of_the_new_service_whoever_serves(made: Made, path: str) -> None:
    for spelling in (path, path.upper(), f"/{path}", f"{path}/"):
        assert url_map(made).shares(domain(made), spelling) == {"users": 100}, spelling


def test_every_environment_has_the_same_rules(made: Made, prod: Made) -> None:
    prefixes = set(url_map(made).prefixes(domain(made)))
    assert prefixes == set(url_map(prod).prefixes(domain(prod)))


def test_every_prefix_is_there_for_a_route_and_named_once(prod: Made) -> None:
    needed = {
        url_map(prod).prefix_of(domain(prod), spelling)
        for path in (*map(plain, paths()), "/health")
        for spelling in usual(path)
    }
    prefixes = list(url_map(prod).prefixes(domain(prod)))
    assert sorted(prefixes) == sorted(each for each in needed if each is not None)


def test_rules_are_in_order_of_priority(prod: Made) -> None:
    [matcher] = [each for m in prod.of("compute_url_map") for each in m["path_matcher"]]
    priorities = [rule["priority"] for rule in matcher["route_rules"]]
    assert priorities == sorted(set(priorities))
    assert not matcher["path_rule"]  # a path matcher has rules of one kind


def test_production_can_still_hand_every_family_to_the_old_service(prod: Made) -> None:
    assert has_old_service(prod)
    for template in paths():
        assert OLD in url_map(prod).shares(domain(prod), plain(template))


def test_a_service_behind_the_balancer_is_meant_by_its_name(made: Made) -> None:
    groups = made.of("compute_region_network_endpoint_group")
    assert sorted(each.block("cloud_run")["service"] for each in groups) == sorted(_FAMILIES)
    for each in groups:
        assert each["network_endpoint_type"] == "SERVERLESS"
        assert each["region"] == made.outputs["region"]


def test_the_old_service_is_called_by_its_own_name_and_with_encryption(prod: Made) -> None:
    [endpoint] = prod.of("compute_global_network_endpoint")
    assert endpoint["port"] == 443
    [group] = prod.of("compute_global_network_endpoint_group")
    assert group["network_endpoint_type"] == "INTERNET_FQDN_PORT"
    for each in backends(prod).values():
        if each.block("backend")["group"] in (group["id"], group["self_link"]):
            assert each["protocol"] == "HTTPS"
            assert f"Host: {endpoint['fqdn']}" in each["custom_request_headers"]
            talks = prod.one("cloud_run_v2_service", name="chat").block("template")
            assert each["timeout_sec"] >= seconds(talks["timeout"])


def test_every_backend_is_guarded_and_keeps_no_log_of_addresses(made: Made) -> None:
    policies = {each["id"] for each in made.of("compute_security_policy")}
    policies |= {each["self_link"] for each in made.of("compute_security_policy")}
    for name, each in backends(made).items():
        assert each["load_balancing_scheme"] == "EXTERNAL_MANAGED"
        assert each["security_policy"] in policies, name
        assert not any(log["enable"] for log in each["log_config"]), name


def test_whoever_comes_without_encryption_is_sent_to_where_there_is(made: Made) -> None:
    [proxy] = made.of("compute_target_http_proxy")
    redirect = made.referred("compute_url_map", proxy["url_map"]).block("default_url_redirect")
    assert redirect["https_redirect"]
    # Anything else would turn a POST into a GET.
    assert not redirect["strip_query"]
    assert redirect["redirect_response_code"] in ("PERMANENT_REDIRECT", "TEMPORARY_REDIRECT")
    ports = {
        each["port_range"]: each["target"] for each in made.of("compute_global_forwarding_rule")
    }
    [https] = made.of("compute_target_https_proxy")
    assert ports.keys() == {"80", "443"}
    assert ports["80"] in (proxy["id"], proxy["self_link"])
    assert ports["443"] in (https["id"], https["self_link"])


def test_both_ways_in_have_the_address_that_is_told(made: Made) -> None:
    schemes = {each["load_balancing_scheme"] for each in made.of("compute_global_forwarding_rule")}
    assert schemes == {"EXTERNAL_MANAGED"}  # as the backends: others do not go together
    [address] = made.of("compute_global_address")
    used = {each["ip_address"] for each in made.of("compute_global_forwarding_rule")}
    assert used <= {address["address"], address["id"], address["self_link"]}
    assert made.outputs["balancer_ip"] == address["address"]


def test_no_encryption_that_can_be_broken_is_spoken(made: Made) -> None:
    [proxy] = made.of("compute_target_https_proxy")
    policy = made.referred("compute_ssl_policy", proxy["ssl_policy"])
    assert policy["profile"] in ("MODERN", "RESTRICTED")
    assert policy["min_tls_version"] in ("TLS_1_2", "TLS_1_3")


def test_the_domain_has_the_certificate_that_is_made_for_it(environment: Environment) -> None:
    made = environment.made
    assert domain(made) == parsed(INFRA / f"{environment.name.split()[0]}.tfvars")["domain"]
    [certificate] = made.of("compute_managed_ssl_certificate")
    [proxy] = made.of("compute_target_https_proxy")
    assert proxy["ssl_certificates"] == [certificate["id"]]


def test_the_certificate_of_another_domain_is_another_one(
    environments: Callable[[str], Environment],
) -> None:
    # It cannot be changed, and for a while there have to be both.
    names = {
        environments(name).made.of("compute_managed_ssl_certificate")[0]["name"]
        for name in ENVIRONMENTS
    }
    assert len(names) == len(ENVIRONMENTS)


def test_another_host_than_the_domain_is_answered_as_what_is_unknown(made: Made) -> None:
    [proxy] = made.of("compute_target_https_proxy")
    default = made.referred("compute_url_map", proxy["url_map"])["default_service"]
    assert made.referred("compute_backend_service", default)["name"] == "users"


def test_the_old_service_keeps_everything_at_first_where_there_is_one(made: Made) -> None:
    [shares] = made.of("storage_bucket_object", name="traffic.json")
    at_first = 0 if has_old_service(made) else 100
    assert json.loads(shares["content"]) == dict.fromkeys(_FAMILIES, at_first)
    # Whoever reads the shares is to see those in force.
    assert shares["cache_control"] == "no-store"


def test_the_map_that_commands_are_told_of_is_the_one_that_serves(made: Made) -> None:
    [proxy] = made.of("compute_target_https_proxy")
    served = made.referred("compute_url_map", proxy["url_map"])
    assert made.outputs["name_of_url_map"] == served["name"]
