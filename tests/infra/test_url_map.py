"""The rules by which a URL map is read here."""

import pytest

from tests.infra.made import Made, Resource
from tests.infra.url_map import UrlMap


def service(name: str) -> list[dict[str, object]]:
    """Return the resources of one service behind a balancer."""
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
    ("path", "lands_on"),
    [
        ("/user", "exact"),
        ("/user/", "below"),
        ("/user/1", "below"),
        ("/user/1/2", "below"),
        ("/user/special/1", "longest"),
        ("/users", "default"),
        ("/", "default"),
    ],
)
def test_a_path_lands_where_the_longest_rule_says(path: str, lands_on: str) -> None:
    names = ("exact", "below", "longest", "default")
    made = Made({"values": {"root_module": {"resources": [r for n in names for r in service(n)]}}})
    rules = {"/user": "exact", "/user/*": "below", "/user/special/*": "longest"}
    matcher = {
        "name": "all",
        "default_service": "backend/default",
        "default_route_action": [],
        "path_rule": [
            {"paths": [rule], "service": f"backend/{name}", "route_action": []}
            for rule, name in rules.items()
        ],
    }
    values = {"host_rule": [{"hosts": ["*"], "path_matcher": "all"}], "path_matcher": [matcher]}
    url_map = UrlMap(made, Resource("map", "google_compute_url_map", values))
    assert url_map.shares("example.org", path) == {lands_on: 100}
