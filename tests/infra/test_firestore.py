"""Firestore, against the data model in the code."""

from scripts.local.ports import SERVICES
from shared.store.data_model import ALL, Collection
from tests.infra.environments import LOCATION
from tests.infra.made import Made, Resource, seconds
from tests.infra.services import variables

Index = tuple[str, str]
"""An index of one field: its order, and its scope."""

# What every field has that is not overridden; an override has to name it again.
DEFAULTS = {("ASCENDING", "COLLECTION"), ("DESCENDING", "COLLECTION")}
EVERYWHERE = ("ASCENDING", "COLLECTION_GROUP")
_DAY_S = 24 * 60 * 60
_LONGEST_DAYS = 14 * 7  # is all that Firestore keeps


def databases(made: Made) -> set[str]:
    """Return the databases that the code finds its documents in, now or after a restore."""
    [own] = made.of("firestore_database")
    return {own["name"], *(variables(made, service)["FIRESTORE_DATABASE"] for service in SERVICES)}


def fields(made: Made, database: str = "(default)") -> dict[tuple[str, str], Resource]:
    """Return a database's overridden fields, by collection and name."""
    there = made.of("firestore_field", database=database)
    found = {(each["collection"], each["field"]): each for each in there}
    assert len(found) == len(there)
    return found


def indexes(field: Resource) -> set[Index] | None:
    """Return the indexes that an override names; None if it leaves them as they are."""
    if not field["index_config"]:
        return None
    return {
        (each["order"], each["query_scope"] or "COLLECTION")
        for each in field.block("index_config")["indexes"]
    }


def ttl_fields() -> dict[tuple[str, str], Collection]:
    """Return the fields that the data model expires documents by."""
    return {(each.name, each.ttl_field): each for each in ALL if each.ttl_field is not None}


def test_documents_expire_by_the_fields_of_the_data_model_and_by_no_other(made: Made) -> None:
    expiring = {name for name, field in fields(made).items() if field["ttl_config"]}
    assert expiring == ttl_fields().keys()


def test_the_fields_of_the_data_model_are_not_indexed_and_all_others_are(made: Made) -> None:
    unindexed = {name for name, field in fields(made).items() if indexes(field) == set()}
    assert unindexed == {(each.name, field) for each in ALL for field in each.unindexed}


def test_what_expires_below_users_can_be_found_for_all_of_them_at_once(made: Made) -> None:
    for name, collection in ttl_fields().items():
        wanted = DEFAULTS | {EVERYWHERE} if collection.per_user else None
        assert indexes(fields(made)[name]) in (wanted, DEFAULTS if wanted is None else wanted)


def test_no_other_field_is_overridden_and_no_query_needs_an_index_of_several(made: Made) -> None:
    expected = {(each.name, field) for each in ALL for field in each.unindexed}
    assert fields(made).keys() == expected | ttl_fields().keys()
    assert made.of("firestore_index") == []


def test_the_database_is_kept_from_harm(made: Made) -> None:
    [database] = made.of("firestore_database")
    assert database["type"] == "FIRESTORE_NATIVE"
    assert database["point_in_time_recovery_enablement"] == "POINT_IN_TIME_RECOVERY_ENABLED"
    assert database["delete_protection_state"] == "DELETE_PROTECTION_ENABLED"
    assert database["deletion_policy"] in (None, "ABANDON")


def test_the_documents_lie_where_the_environment_says(full: Made) -> None:
    [database] = full.of("firestore_database")
    assert database["location_id"] == LOCATION != full.outputs["region"]


def test_a_database_that_was_restored_has_the_same_fields_as_our_own(made: Made) -> None:
    overridden = {each["database"] for each in made.of("firestore_field")}
    assert overridden == databases(made)
    for database in databases(made):
        here = fields(made, database)
        assert here.keys() == fields(made).keys()
        for name, field in here.items():
            assert indexes(field) == indexes(fields(made)[name]), name
            assert bool(field["ttl_config"]) == bool(fields(made)[name]["ttl_config"]), name


def test_all_services_use_the_same_database(made: Made) -> None:
    assert len({variables(made, service)["FIRESTORE_DATABASE"] for service in SERVICES}) == 1


def test_there_is_a_backup_of_every_day_and_of_every_week(made: Made) -> None:
    kept_days = {
        (each["database"], "daily" if each["daily_recurrence"] else "weekly"): seconds(
            each["retention"]
        )
        / _DAY_S
        for each in made.of("firestore_backup_schedule")
    }
    for database in databases(made):
        assert 7 <= kept_days[database, "daily"] <= _LONGEST_DAYS
        assert 28 <= kept_days[database, "weekly"] <= _LONGEST_DAYS
