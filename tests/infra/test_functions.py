"""The functions and the chat, as they are to run."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from functions.chat.settings import ChatSettings
from scripts.local.ports import CALLED_BY_APPS, FUNCTIONS, SERVICES
from shared.planner.settings import ModelSettings
from tests.infra.configuration import parsed
from tests.infra.environments import IMAGE, INFRA, Environment
from tests.infra.made import Made, seconds
from tests.infra.services import OF_THE_PLATFORM, chat, function, variables

_PYTHON = "python313"
_NEWEST = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
_LONGEST_START_S = 10
# The longest a request may take by the code's own limits, and some time for whatever comes before.
_LONGEST_PLAN_S = ModelSettings.model_fields["deadline_s"].default


def scaling(made: Made, name: str) -> dict[str, Any]:
    """Return how many instances of a service there are, at least and at most."""
    if name == "chat":
        return chat(made).block("template", "scaling")
    return function(made, name).block("service_config")


def test_there_is_every_function_and_no_other(made: Made) -> None:
    names = [each["name"] for each in made.of("cloudfunctions2_function")]
    assert sorted(names) == sorted(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_built_from_its_own_package(made: Made, name: str) -> None:
    build = function(made, name).block("build_config")
    assert build["runtime"] == _PYTHON
    assert build["entry_point"] == "main"
    source = function(made, name).block("build_config", "source", "storage_source")
    [package] = made.of("storage_bucket_object", name=source["object"], bucket=source["bucket"])
    assert re.fullmatch(rf"(.*/)?{name}-[0-9a-f]{{16}}\.zip", package["name"])
    assert Path(package["source"]).name == Path(package["name"]).name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_serves_several_requests_at_once(made: Made, name: str) -> None:
    config = function(made, name).block("service_config")
    # Below a whole CPU the platform allows one at a time.
    assert float(config["available_cpu"]) >= 1
    at_once = config["max_instance_request_concurrency"]
    assert 40 <= at_once <= 80 if name != "cleanup" else at_once > 1


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_served_as_it_is_tested(made: Made, name: str) -> None:
    given = variables(made, name)
    assert {variable: given[variable] for variable in OF_THE_PLATFORM} == dict.fromkeys(
        OF_THE_PLATFORM, "true"
    )


@pytest.mark.parametrize("name", CALLED_BY_APPS)
def test_a_function_is_left_the_time_that_its_work_may_take(made: Made, name: str) -> None:
    timeout = function(made, name).block("service_config")["timeout_seconds"]
    if name == "ai":
        # A plan, and the mistakes of the first one corrected.
        assert _LONGEST_PLAN_S * 2 < timeout <= 600
    else:
        assert 30 <= timeout <= 60


@pytest.mark.parametrize("name", FUNCTIONS)
def test_apps_that_know_a_functions_own_address_reach_it(made: Made, name: str) -> None:
    assert function(made, name).block("service_config")["ingress_settings"] == "ALLOW_ALL"


def test_no_instance_is_added_without_end(made: Made) -> None:
    for name in SERVICES:
        bounds = scaling(made, name)
        assert 0 <= bounds["min_instance_count"] < bounds["max_instance_count"] <= 100, name


def test_the_chat_is_the_image_that_is_asked_for(made: Made) -> None:
    assert chat(made).block("template", "containers")["image"] == IMAGE


def test_a_talk_lasts_as_long_as_the_platform_allows(made: Made) -> None:
    timeout = seconds(chat(made).block("template")["timeout"])
    assert ChatSettings.model_fields["max_age_s"].default < timeout == 3600


def test_an_instance_of_the_chat_has_many_talks_and_any_may_take_the_next(made: Made) -> None:
    template = chat(made).block("template")
    assert 80 <= template["max_instance_request_concurrency"] <= 1000
    assert not template["session_affinity"]


def test_an_instance_of_the_chat_gets_no_talk_before_it_answers(made: Made) -> None:
    probe = chat(made).block("template", "containers", "startup_probe", "http_get")
    assert probe["path"] == "/health"


def test_only_a_chat_that_does_not_answer_at_all_is_started_again(made: Made) -> None:
    container = chat(made).block("template", "containers")
    [starting], [living] = container["startup_probe"], container["liveness_probe"]
    # It is not asked for the store: a new process would not bring that back, and all talks end.
    assert living["http_get"][0]["path"] == "/health"
    assert living["failure_threshold"] > 1
    assert starting["period_seconds"] * starting["failure_threshold"] >= _LONGEST_START_S


def test_the_chat_costs_nothing_while_nobody_talks(made: Made) -> None:
    assert chat(made).block("template", "containers", "resources")["cpu_idle"]


def test_apps_that_know_the_chats_own_address_reach_it(made: Made) -> None:
    assert chat(made)["ingress"] == "INGRESS_TRAFFIC_ALL"
    traffic = chat(made).block("traffic")
    assert (traffic["type"], traffic["percent"]) == (_NEWEST, 100)


def test_there_are_as_many_instances_as_the_environments_file_says(
    environment: Environment,
) -> None:
    made, file = environment.made, parsed(INFRA / f"{environment.name.split()[0]}.tfvars")
    for which in ("min", "max"):
        for name, count in file.get(f"{which}_instances", {}).items():
            assert scaling(made, name)[f"{which}_instance_count"] == count, name


@pytest.mark.parametrize("name", ["dev", "staging"])
def test_where_things_are_only_tried_fewer_instances_may_cost_something(
    environments: Callable[[str], Environment], name: str
) -> None:
    for service in (*CALLED_BY_APPS, "chat"):
        here, there = (scaling(environments(each).made, service) for each in (name, "prod"))
        assert here["max_instance_count"] < there["max_instance_count"], service
        assert here["min_instance_count"] == 0


def test_new_revision_of_function_gets_no_traffic(made: Made) -> None:
    for name in FUNCTIONS:
        config = function(made, name).block("service_config")
        assert config["all_traffic_on_latest_revision"] is False, name


def test_the_outputs_name_what_is_there(made: Made) -> None:
    services = made.outputs["services"]
    assert services.keys() == set(SERVICES)
    for name in FUNCTIONS:
        assert services[name]["url"] == function(made, name).block("service_config")["uri"]
    assert services["chat"]["url"] == chat(made)["uri"]
    assert made.of("storage_bucket", name=made.outputs["sources_bucket"])
    [images] = made.of("artifact_registry_repository", repository_id="images")
    host = f"{images['location']}-docker.pkg.dev"
    assert made.outputs["images"] == f"{host}/{made.outputs['project']}/images"
    assert json.dumps(made.outputs).count("null") == 0
