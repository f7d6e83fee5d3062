"""The bucket of the backups that users upload."""

from tests.infra.environments import KMS_KEY
from tests.infra.services import account, grants, variables
from tests.infra.state import Resource, State
from tests.infra.test_delivery import deployer

_DAY_S = 24 * 60 * 60
_MIN_SOFT_DELETE_DAYS = 7


def bucket(state: State) -> Resource:
    """Return the bucket."""
    return state.one("storage_bucket", name=state.outputs["backups_bucket"])


def test_service_uses_the_bucket_of_its_environment(state: State) -> None:
    assert variables(state, "backup")["BACKUP_BUCKET"] == bucket(state)["name"]


def test_only_backup_and_releases_may_access_the_bucket(state: State) -> None:
    roles = {
        member: role
        for member, role, type_, values in grants(state)
        if type_ == "google_storage_bucket_iam_member" and values["bucket"] == bucket(state)["name"]
    }
    assert roles == {
        f"serviceAccount:{account(state, 'backup')}": "roles/storage.objectUser",
        deployer(state)["member"]: "roles/storage.admin",
    }


def test_no_rule_deletes_backups_by_age(state: State) -> None:
    rules = bucket(state)["lifecycle_rule"]
    assert {rule["action"][0]["type"] for rule in rules} == {"AbortIncompleteMultipartUpload"}


def test_deleted_backup_can_be_restored_for_a_week_only(state: State) -> None:
    kept_s = bucket(state).block("soft_delete_policy")["retention_duration_seconds"]
    assert kept_s == _MIN_SOFT_DELETE_DAYS * _DAY_S
    # With versions, a deleted backup would stay until a rule removes it.
    assert not bucket(state).block("versioning")["enabled"]


def test_configured_key_encrypts_the_bucket(prod: State, full: State) -> None:
    assert bucket(full).block("encryption")["default_kms_key_name"] == KMS_KEY
    assert not bucket(prod)["encryption"]
