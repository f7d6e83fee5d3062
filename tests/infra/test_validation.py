"""Validation of variables: Terraform rejects invalid values before it creates anything."""

from pathlib import Path

import pytest

from tests.infra.environments import workspace
from tests.infra.terraform import TerraformError

pytestmark = pytest.mark.terraform

_UNKNOWN_SERVICE = "has an unknown service. Services: ai, backup, chat, cleanup,"
_NOT_READ = "a variable that the service does not read"
_REPOSITORY = 'connection="c",name="{}",id="{}",workflow="{}"'
_WORKFLOW = ".github/workflows/release.yml"

# Terraform reports all invalid variables at once, so a set has many variables to save runs. A
# validation does not run if it depends on another invalid variable: `settings` needs `project`.
INVALID = (
    {
        "environment=test": "Set `environment` to dev, staging or prod",
        "project=X": "A project id has 6 to 30",
        "region=Iowa": "A region has the form",
        "firestore_location=us": "A location has the form",
        "serving_database=Restored": "A database name is",
        "chat_image=images/chat:latest": "by its digest",
        "instances={user={min=1}}": _UNKNOWN_SERVICE,
        'secrets=["OPENAI_KEY"]': "has an unknown name. Secrets: API_KEYS,",
        "backups_kms_key=backups": "A key has the form",
        "domain=https://api.liftlog.example": "A domain has the form",
        "old_service_host=https://old.liftlog.example": "A host has the form",
        "alert_email=operations": "to one address",
        "billing_account=liftlog": "A billing account has the form",
        'operators=["somebody@liftlog.example"]': "An operator has the form",
        f"repository={{{_REPOSITORY.format('backend', '1', _WORKFLOW)}}}": "the form owner/name",
    },
    {
        "instances={users={min=11}}": "from 0 to 10",
        'settings={user={LOG_FORMAT="json"}}': _NOT_READ,
        f"repository={{{_REPOSITORY.format('o/n', 'o/n', _WORKFLOW)}}}": "id is a number",
    },
    {
        "instances={users={min=0.5}}": "from 0 to 10",
        'settings={users={OPENAI_MODEL="x"}}': _NOT_READ,
        f"repository={{{_REPOSITORY.format('o/n', '1', 'release.yml')}}}": "A workflow has",
    },
    {
        "instances={users={max=0}}": "from 1 to 100",
        'settings={all={WEB_AUTH_KEY="x"}}': "Set secrets with ./scripts/secrets",
    },
    {'settings={all={FORWARD_AUTH_HEADER="Remote-User"}}': "any client could name any user"},
    {'settings={users={FEED_ENABLED="False"}}': "Set the switches of features under `all`"},
    {'settings={all={BACKUP_CONFIGURED="False"}}': "Terraform computes AI_PLANNER_CONFIGURED,"},
    {'settings={backup={BACKUP_BUCKET="b"}}': "Terraform computes AI_PLANNER_CONFIGURED,"},
    {
        "instances={users={max=101}}": "from 1 to 100",
        'settings={all={OPENAI_MODLE="x"}}': _NOT_READ,
    },
    {"instances={users={min=-1}}": "from 0 to 10"},
    {"instances={users={maximum=3}}": "has an unknown bound"},
)


@pytest.mark.parametrize("values", INVALID, ids=range(len(INVALID)))
def test_invalid_values_are_rejected_with_a_hint(tmp_path: Path, values: dict[str, str]) -> None:
    module = workspace(tmp_path, "prod")
    with pytest.raises(TerraformError) as rejected:
        module.plan(*(f"-var={each}" for each in values))
    errors = [
        " ".join(each.replace("│", " ").split())
        for each in str(rejected.value).split("Error: Invalid value for variable")
    ]
    for value, hint in values.items():
        name = value.partition("=")[0]
        assert [each for each in errors if f"var.{name} " in each and hint in each], value


def test_setting_reaches_the_services_that_read_it(tmp_path: Path) -> None:
    module = workspace(tmp_path, "prod")
    module.plan('-var=settings={all={RATE_LIMIT_WEB="7"},users={PASSWORD_REMEMBERED="8"}}')
    variables = {
        each["change"]["after"]["name"]: each["change"]["after"]["service_config"][0][
            "environment_variables"
        ]
        for each in module.planned()["resource_changes"]
        if each["type"] == "google_cloudfunctions2_function"
    }
    limited = {name for name, given in variables.items() if given.get("RATE_LIMIT_WEB") == "7"}
    assert limited == {"ai"}
    cached = {name for name, given in variables.items() if given.get("PASSWORD_REMEMBERED") == "8"}
    assert cached == {"users"}


def test_services_get_only_secrets_with_a_value(tmp_path: Path) -> None:
    module = workspace(tmp_path, "prod")
    module.plan('-var=secrets=["OPENAI_API_KEY"]')
    readers = [
        each["index"]
        for each in module.planned()["resource_changes"]
        if each["address"].startswith("google_secret_manager_secret_iam_member.")
    ]
    assert readers == ["ai/OPENAI_API_KEY", "chat/OPENAI_API_KEY"]
