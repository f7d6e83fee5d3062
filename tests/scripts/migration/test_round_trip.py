"""Export and import, between the two engines."""

import pytest

from scripts.migration.databases import Databases
from tests.scripts.migration.conftest import BOTH, FILE, FIRESTORE, Create
from tests.scripts.migration.samples import Documents, exported, imported, read, sample, write

ROUTES = [
    (FILE, FILE),
    pytest.param((FILE, FIRESTORE, FILE), marks=pytest.mark.firestore),
    pytest.param((FIRESTORE, FILE), marks=pytest.mark.firestore),
]


@pytest.mark.parametrize("route", ROUTES, ids="-".join)
async def test_documents_are_identical_after_a_move(create: Create, route: tuple[str, ...]) -> None:
    first, *others = (create(kind) for kind in route)
    documents = sample()
    await write(first, documents)
    content = await exported(first)
    for other in others:
        assert await imported(other, content) == len(documents)
        assert await fields_in(other, documents) == documents
        content = await exported(other)
    assert content == await exported(first)


@pytest.mark.parametrize("kind", BOTH)
async def test_second_import_changes_nothing(create: Create, kind: str) -> None:
    databases = create(kind)
    documents = sample()
    await write(databases, documents)
    before = await read(databases, documents)
    await imported(databases, await exported(databases))
    assert await read(databases, documents) == before


async def fields_in(databases: Databases, documents: Documents) -> Documents:
    return (await read(databases, documents))[0]
