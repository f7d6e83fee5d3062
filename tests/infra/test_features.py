"""The answer of `/features`: Terraform computes it for all services from what each of them has."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from scripts.local.ports import CALLED_BY_APPS, SERVICES
from shared.auth.api_keys import ApiKeySettings
from shared.backups.settings import BackupSettings
from shared.planner.settings import ModelSettings
from shared.web.features import Features, FeatureSettings
from tests.infra.environments import workspace
from tests.infra.services import variables
from tests.infra.state import State, Values

pytestmark = pytest.mark.terraform

_PUBLIC = (*CALLED_BY_APPS, "chat")
_OWN_SERVER = 'settings={all={OPENAI_BASE_URL="http://models.example/v1"}}'

Variables = Mapping[str, Mapping[str, str]]
"""The environment variables of each service."""


def planned_variables(place: Path, *options: str) -> Variables:
    """Return the variables of all services in a plan with these options."""
    module = workspace(place, "prod")
    module.plan(*options)
    found = {}
    for each in module.planned()["resource_changes"]:
        values: Values = each["change"]["after"]
        if each["type"] == "google_cloudfunctions2_function":
            found[values["name"]] = values["service_config"][0]["environment_variables"]
        if each["type"] == "google_cloud_run_v2_service":
            env = values["template"][0]["containers"][0]["env"]
            found[values["name"]] = {variable["name"]: variable["value"] for variable in env}
    return found


def offered(given: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """Return the features that a service with these variables offers."""
    with monkeypatch.context() as patch:
        for variable, value in given.items():
            patch.setenv(variable, value)
        return Features.of(FeatureSettings()).describe().model_dump()


def has_model(given: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> bool:
    """Return whether the code of `ai` and `chat` finds a language model in these variables."""
    with monkeypatch.context() as patch:
        for variable, value in given.items():
            patch.setenv(variable, value)
        return ModelSettings().api_key is not None


def has_backups(given: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> bool:
    """Return whether the code of `backup` finds a bucket and API keys in these variables."""
    with monkeypatch.context() as patch:
        for variable, value in given.items():
            patch.setenv(variable, value)
        return BackupSettings().bucket is not None and ApiKeySettings().keys is not None


def check(found: Variables, monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """Compare the features of all services with what the services have; return the features."""
    answers = [offered(found[name], monkeypatch) for name in _PUBLIC]
    assert all(each == answers[0] for each in answers)
    assert answers[0]["aiPlanner"] == all(
        has_model(found[name], monkeypatch) for name in ("ai", "chat")
    )
    assert answers[0]["backup"] == has_backups(found["backup"], monkeypatch)
    return answers[0]


def test_environments_offer_all_features(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {name: variables(state, name) for name in SERVICES}
    assert set(check(found, monkeypatch).values()) == {True}


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        (('secrets=["OPENAI_API_KEY"]',), {"backup"}),
        (('secrets=["API_KEYS"]',), {"aiPlanner"}),
        (("secrets=[]",), {"aiPlanner", "backup"}),
        (('secrets=["API_KEYS"]', _OWN_SERVER), {"aiPlanner"}),
    ],
    ids=["no API keys", "no model key", "no secrets", "own model without a key"],
)
def test_feature_without_its_settings_is_not_offered(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    missing: set[str],
) -> None:
    found = planned_variables(tmp_path, *(f"-var={each}" for each in options))
    features = check(found, monkeypatch)
    assert {name for name, is_offered in features.items() if not is_offered} == missing


def test_switch_reaches_every_public_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = planned_variables(tmp_path, '-var=settings={all={BACKUP_ENABLED="False"}}')
    for name in _PUBLIC:
        assert not offered(found[name], monkeypatch)["backup"], name
