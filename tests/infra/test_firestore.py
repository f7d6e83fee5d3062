"""The database in `infra/`, compared with the data model in the code."""

from shared.store.data_model import ALL, Collection
from tests.infra.environments import FIRESTORE_LOCATION
from tests.infra.services import WITH_DATABASE, variables
from tests.infra.state import Resource, State, parse_seconds

Index = tuple[str, str]
"""Order and scope of a single-field index."""

# The indexes of a field without an override. An override has to repeat them.
DEFAULTS = {("ASCENDING", "COLLECTION"), ("DESCENDING", "COLLECTION")}
COLLECTION_GROUP = ("ASCENDING", "COLLECTION_GROUP")
_DAY_S = 24 * 60 * 60
_MAX_RETENTION_DAYS = 14 * 7  # the limit of Firestore


def databases(state: State) -> set[str]:
    """Return the databases that services use, before or after a restore."""
    [own] = state.of("firestore_database")
    return {
        own["name"],
        *(variables(state, service)["FIRESTORE_DATABASE"] for service in WITH_DATABASE),
    }


def fields(state: State, database: str = "(default)") -> dict[tuple[str, str], Resource]:
    """Return the field overrides of a database, by collection and field."""
    overrides = state.of("firestore_field", database=database)
    found = {(each["collection"], each["field"]): each for each in overrides}
    assert len(found) == len(overrides)
    return found


def indexes(field: Resource) -> set[Index] | None:
    """Return the indexes of an override; None if it keeps the default indexes."""
    if not field["index_config"]:
        return None
    return {
        (each["order"], each["query_scope"] or "COLLECTION")
        for each in field.block("index_config")["indexes"]
    }


def ttl_fields() -> dict[tuple[str, str], Collection]:
    """Return the TTL fields of the data model."""
    return {(each.name, each.ttl_field): each for each in ALL if each.ttl_field is not None}


def test_ttl_fields_match_the_data_model(state: State) -> None:
    expiring = {name for name, field in fields(state).items() if field["ttl_config"]}
    assert expiring == ttl_fields().keys()


def test_unindexed_fields_match_the_data_model(state: State) -> None:
    unindexed = {name for name, field in fields(state).items() if indexes(field) == set()}
    assert unindexed == {(each.name, field) for each in ALL for field in each.unindexed}


def test_ttl_fields_below_users_have_a_group_index(state: State) -> None:
    for name, collection in ttl_fields().items():
        # A root collection may keep the default indexes, or repeat them.
        expected = [DEFAULTS | {COLLECTION_GROUP}] if collection.per_user else [None, DEFAULTS]
        assert indexes(fields(state)[name]) in expected


def test_no_other_overrides_and_no_composite_indexes(state: State) -> None:
    expected = {(each.name, field) for each in ALL for field in each.unindexed}
    assert fields(state).keys() == expected | ttl_fields().keys()
    assert state.of("firestore_index") == []


def test_database_is_protected_from_deletion(state: State) -> None:
    [database] = state.of("firestore_database")
    assert database["type"] == "FIRESTORE_NATIVE"
    assert database["point_in_time_recovery_enablement"] == "POINT_IN_TIME_RECOVERY_ENABLED"
    assert database["delete_protection_state"] == "DELETE_PROTECTION_ENABLED"
    assert database["deletion_policy"] in (None, "ABANDON")


def test_database_is_in_the_configured_location(full: State) -> None:
    [database] = full.of("firestore_database")
    assert database["location_id"] == FIRESTORE_LOCATION != full.outputs["region"]


def test_restored_database_has_the_same_overrides(state: State) -> None:
    overridden = {each["database"] for each in state.of("firestore_field")}
    assert overridden == databases(state)
    for database in databases(state):
        overrides = fields(state, database)
        assert overrides.keys() == fields(state).keys()
        for name, field in overrides.items():
            assert indexes(field) == indexes(fields(state)[name]), name
            assert bool(field["ttl_config"]) == bool(fields(state)[name]["ttl_config"]), name


def test_all_services_use_the_same_database(state: State) -> None:
    assert len({variables(state, service)["FIRESTORE_DATABASE"] for service in WITH_DATABASE}) == 1


def test_databases_have_daily_and_weekly_backups(state: State) -> None:
    kept_days = {
        (each["database"], "daily" if each["daily_recurrence"] else "weekly"): parse_seconds(
            each["retention"]
        )
        / _DAY_S
        for each in state.of("firestore_backup_schedule")
    }
    for database in databases(state):
        assert 7 <= kept_days[database, "daily"] <= _MAX_RETENTION_DAYS
        assert 28 <= kept_days[database, "weekly"] <= _MAX_RETENTION_DAYS
