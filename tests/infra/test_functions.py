"""The runtime of the functions and of the chat."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from functions.backup.handlers import MAX_BACKUP_BYTES
from functions.chat.settings import ChatSettings
from scripts.local.ports import CALLED_BY_APPS, FUNCTIONS, SERVICES
from shared.planner.settings import ModelSettings
from tests.infra.environments import IMAGE, Environment
from tests.infra.services import PLATFORM_VARIABLES, chat, function, variables
from tests.infra.state import State, Values, parse_seconds

_PYTHON = "python313"
_LATEST = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
_MAX_STARTUP_S = 10
_SLOW_UPLOAD_BYTES_S = 40_000
_MAX_MODEL_REQUEST_S = ModelSettings.model_fields["deadline_s"].default


def scaling(state: State, name: str) -> Values:
    """Return the block with the minimum and maximum number of instances."""
    if name == "chat":
        return chat(state).block("template", "scaling")
    return function(state, name).block("service_config")


def test_functions_match_the_list_of_functions(state: State) -> None:
    names = [each["name"] for each in state.of("cloudfunctions2_function")]
    assert sorted(names) == sorted(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_is_built_from_its_own_package(state: State, name: str) -> None:
    build = function(state, name).block("build_config")
    assert build["runtime"] == _PYTHON
    assert build["entry_point"] == "main"
    source = function(state, name).block("build_config", "source", "storage_source")
    [package] = state.of("storage_bucket_object", name=source["object"], bucket=source["bucket"])
    assert re.fullmatch(rf"(.*/)?{name}-[0-9a-f]{{16}}\.zip", package["name"])
    assert Path(package["source"]).name == Path(package["name"]).name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_serves_requests_concurrently(state: State, name: str) -> None:
    config = function(state, name).block("service_config")
    # With less than a whole CPU the platform allows only one request at a time.
    assert float(config["available_cpu"]) >= 1
    concurrency = config["max_instance_request_concurrency"]
    if name == "backup":
        # tests/functions/test_backup_process.py measures the memory of as many uploads.
        assert concurrency == 8
    else:
        assert 40 <= concurrency <= 80 if name != "cleanup" else concurrency > 1


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_has_the_framework_variables(state: State, name: str) -> None:
    actual = variables(state, name)
    assert {variable: actual[variable] for variable in PLATFORM_VARIABLES} == dict.fromkeys(
        PLATFORM_VARIABLES, "true"
    )


@pytest.mark.parametrize("name", CALLED_BY_APPS)
def test_function_timeout_covers_its_work(state: State, name: str) -> None:
    timeout = function(state, name).block("service_config")["timeout_seconds"]
    if name == "ai":
        # A plan that breaks the schema is requested a second time.
        assert _MAX_MODEL_REQUEST_S * 2 < timeout <= 600
    elif name == "backup":
        assert MAX_BACKUP_BYTES / _SLOW_UPLOAD_BYTES_S < timeout <= 900
    else:
        assert 30 <= timeout <= 60


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_url_accepts_requests(state: State, name: str) -> None:
    assert function(state, name).block("service_config")["ingress_settings"] == "ALLOW_ALL"


def test_instances_are_limited(state: State) -> None:
    for name in SERVICES:
        limits = scaling(state, name)
        assert 0 <= limits["min_instance_count"] < limits["max_instance_count"] <= 100, name


def test_chat_runs_the_configured_image(state: State) -> None:
    assert chat(state).block("template", "containers")["image"] == IMAGE


def test_chat_timeout_is_the_platform_maximum(state: State) -> None:
    timeout = parse_seconds(chat(state).block("template")["timeout"])
    assert ChatSettings.model_fields["max_age_s"].default < timeout == 3600


def test_chat_instance_serves_many_clients_of_any_session(state: State) -> None:
    template = chat(state).block("template")
    assert 80 <= template["max_instance_request_concurrency"] <= 1000
    assert not template["session_affinity"]


def test_chat_gets_no_request_before_it_is_healthy(state: State) -> None:
    probe = chat(state).block("template", "containers", "startup_probe", "http_get")
    assert probe["path"] == "/health"


def test_chat_restarts_only_after_repeated_failures(state: State) -> None:
    container = chat(state).block("template", "containers")
    [startup], [liveness] = container["startup_probe"], container["liveness_probe"]
    # Not /health/ready: when the database fails, a restart only ends all conversations.
    assert liveness["http_get"][0]["path"] == "/health"
    assert liveness["failure_threshold"] > 1
    assert startup["period_seconds"] * startup["failure_threshold"] >= _MAX_STARTUP_S


def test_chat_has_no_cpu_without_connections(state: State) -> None:
    assert chat(state).block("template", "containers", "resources")["cpu_idle"]


def test_chat_url_accepts_requests(state: State) -> None:
    assert chat(state)["ingress"] == "INGRESS_TRAFFIC_ALL"
    traffic = chat(state).block("traffic")
    assert (traffic["type"], traffic["percent"]) == (_LATEST, 100)


def test_instances_match_the_configured_values(environment: Environment) -> None:
    configured = environment.variables["instances"]
    assert configured
    for name, counts in configured.items():
        for bound, count in counts.items():
            assert scaling(environment.state, name)[f"{bound}_instance_count"] == count, name


@pytest.mark.parametrize("name", ["dev", "staging"])
def test_dev_and_staging_have_fewer_instances(
    environments: Callable[[str], Environment], name: str
) -> None:
    for service in (*CALLED_BY_APPS, "chat"):
        small, prod = (scaling(environments(each).state, service) for each in (name, "prod"))
        assert small["max_instance_count"] < prod["max_instance_count"], service
        assert small["min_instance_count"] == 0


def test_new_revision_of_function_gets_no_traffic(state: State) -> None:
    for name in FUNCTIONS:
        config = function(state, name).block("service_config")
        assert config["all_traffic_on_latest_revision"] is False, name


def test_outputs_match_the_resources(state: State) -> None:
    services = state.outputs["services"]
    assert services.keys() == set(SERVICES)
    for name in FUNCTIONS:
        assert services[name]["url"] == function(state, name).block("service_config")["uri"]
    assert services["chat"]["url"] == chat(state)["uri"]
    assert state.of("storage_bucket", name=state.outputs["sources_bucket"])
    [images] = state.of("artifact_registry_repository", repository_id="images")
    host = f"{images['location']}-docker.pkg.dev"
    assert state.outputs["images"] == f"{host}/{state.outputs['project']}/images"
    assert json.dumps(state.outputs).count("null") == 0
