"""What an environment's file may not say: it is refused before anything is made."""

from pathlib import Path

import pytest

from tests.infra.environments import workspace
from tests.infra.terraform import RefusedError

_NO_SERVICE = "There is no service of that name"
_NOT_READ = "Nobody of that name reads that"
_REPOSITORY = 'connection="c",name="{}",id="{}",workflow="{}"'
_WORKFLOW = ".github/workflows/release.yml"
_SHARES = "users=0,events=0,social=0,sharing=0,ai=0"

# Terraform tells of all at once, of each variable once.
WRONG = (
    {
        "environment=test": "The environment is dev, staging or prod",
        "project=X": "A project id has 6 to 30",
        "region=Iowa": "A region looks like",
        "firestore_location=us": "A location looks like",
        "serving_database=Restored": "A database is called",
        "chat_image=images/chat:latest": "named by its digest",
        'secrets=["OPENAI_KEY"]': "There is no secret of that name",
        "domain=https://api.liftlog.example": "A domain looks like",
        "old_service_host=https://old.liftlog.example": "A host looks like",
        f"new_shares={{{_SHARES}}}": "Every family has a share",
        "alert_email=operations": "One address",
        "billing_account=liftlog": "A billing account looks like",
        'operators=["somebody@liftlog.example"]': "People are written as",
        f"repository={{{_REPOSITORY.format('backend', '1', _WORKFLOW)}}}": "looks like owner/name",
    },
    {
        "min_instances={user=1}": _NO_SERVICE,
        'settings={user={LOG_FORMAT="json"}}': _NOT_READ,
        f"new_shares={{{_SHARES},chat=50}}": "The chat moves as a whole",
        f"repository={{{_REPOSITORY.format('o/n', 'o/n', _WORKFLOW)}}}": "id is a number",
    },
    {
        "max_instances={user=1}": _NO_SERVICE,
        "min_instances={users=11}": "Between 0 and 10",
        'settings={users={OPENAI_MODEL="x"}}': _NOT_READ,
        f"new_shares={{{_SHARES},chat=101}}": "a whole number between 0 and 100",
        f"repository={{{_REPOSITORY.format('o/n', '1', 'release.yml')}}}": "A workflow looks like",
    },
    {
        "max_instances={users=0}": "Between 1 and 100",
        "min_instances={users=0.5}": "Between 0 and 10",
        f"new_shares={{{_SHARES.replace('users=0', 'users=0.5')},chat=0}}": "a whole number",
        'settings={all={OPENAI_MODLE="x"}}': _NOT_READ,
    },
    {
        'settings={all={WEB_AUTH_KEY="x"}}': "Secrets are no settings",
        "max_instances={users=101}": "Between 1 and 100",
        "min_instances={users=-1}": "Between 0 and 10",
        f"new_shares={{{_SHARES.replace('users=0', 'users=-1')},chat=0}}": "a whole number",
    },
)


@pytest.mark.parametrize("given", WRONG, ids=range(len(WRONG)))
def test_a_wrong_value_is_refused_and_it_is_said_what_is_right(
    tmp_path: Path, given: dict[str, str]
) -> None:
    module = workspace(tmp_path, "prod")
    with pytest.raises(RefusedError) as refused:
        module.plan(*(f"-var={each}" for each in given))
    told = [
        " ".join(each.replace("│", " ").split())
        for each in str(refused.value).split("Error: Invalid value for variable")
    ]
    for wrong, answer in given.items():
        name = wrong.partition("=")[0]
        assert [each for each in told if f"var.{name} " in each and answer in each], wrong


def test_a_setting_reaches_those_who_read_it(tmp_path: Path) -> None:
    module = workspace(tmp_path, "prod")
    module.plan('-var=settings={all={RATE_LIMIT_WEB="7"},users={PASSWORD_REMEMBERED="8"}}')
    told = {
        each["change"]["after"]["name"]: each["change"]["after"]["service_config"][0][
            "environment_variables"
        ]
        for each in module.planned()["resource_changes"]
        if each["type"] == "google_cloudfunctions2_function"
    }
    assert {name for name, given in told.items() if given.get("RATE_LIMIT_WEB") == "7"} == {"ai"}
    remembered = {name for name, given in told.items() if given.get("PASSWORD_REMEMBERED") == "8"}
    assert remembered == {"users"}
