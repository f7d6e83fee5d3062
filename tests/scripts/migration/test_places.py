"""The places of documents."""

import pytest

from scripts.migration.places import Place, UnknownCollectionError
from shared.store.data_model import ALL, Collection


@pytest.mark.parametrize("collection", ALL, ids=lambda each: each.name)
def test_path_of_every_collection_is_read_back(collection: Collection) -> None:
    place = Place(collection, "an id: ü", "user" if collection.per_user else None)
    assert Place.of(place.path) == place


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("notes/1", "notes"),
        ("events/1", "events"),
        ("users/1/lookups/2", "users/lookups"),
        ("shared_items/1/events/2", "shared_items/events"),
    ],
)
def test_unknown_collection_is_named(path: str, name: str) -> None:
    with pytest.raises(UnknownCollectionError, match=f"^{name}$"):
        Place.of(path)


@pytest.mark.parametrize(
    "path",
    [
        "", "users", "users/", "users//", "users/1/events", "users/1/events/2/parts/3",
        "users/./events/1", "users/..", "users/__id__", "users/" + "x" * 1501, "/users/1",
        "a\nb/1", "x" * 200 + "/1",
    ],
)  # fmt: skip
def test_invalid_path_is_rejected(path: str) -> None:
    with pytest.raises(ValueError, match=r"invalid|not a path"):
        Place.of(path)
