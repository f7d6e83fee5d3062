"""The evaluation of URL maps."""

import pytest

from tests.infra.state import Resource, State
from tests.infra.url_map import UrlMap


def service(name: str) -> list[dict[str, object]]:
    """Return the resources of one service behind a load balancer."""
    group = {"id": f"group/{name}", "self_link": None, "cloud_run": [{"service": name}]}
    backend = {"id": f"backend/{name}", "backend": [{"group": f"group/{name}"}]}
    return [
        {"type": f"google_compute_{type_}", "address": name, "mode": "managed", "values": values}
        for type_, values in (
            ("region_network_endpoint_group", group),
            ("backend_service", backend),
        )
    ]


@pytest.mark.parametrize(
    ("path", "service_name"),
    [
        ("/user", "any-case"),
        ("/USERS/", "any-case"),
        ("/user/special/1", "first"),
        ("/User/special/1", "any-case"),
        ("//user", "default"),
        ("/%75ser", "default"),
        ("/", "default"),
    ],
)
def test_path_reaches_the_first_matching_rule(path: str, service_name: str) -> None:
    names = ("any-case", "first", "default")
    state = State(
        {"values": {"root_module": {"resources": [r for n in names for r in service(n)]}}}
    )
    matcher = {
        "name": "all",
        "default_service": "backend/default",
        "default_route_action": [],
        "route_rules": [
            {
                "priority": priority,
                "match_rules": [{"prefix_match": prefix, "ignore_case": is_any_case}],
                "service": f"backend/{name}",
                "route_action": [],
            }
            for priority, prefix, name, is_any_case in (
                (2, "/user", "any-case", True),
                (1, "/user/special", "first", False),
            )
        ],
    }
    values = {"host_rule": [{"hosts": ["*"], "path_matcher": "all"}], "path_matcher": [matcher]}
    url_map = UrlMap(state, Resource("map", "google_compute_url_map", values))
    assert url_map.split_of("example.org", path) == {service_name: 100}
