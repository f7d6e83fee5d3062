"""Databases of the tests of exports and imports."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import uuid4

import pytest

from scripts.migration.databases import Databases
from shared.store.settings import DatabaseSettings, QuotaSettings
from tests import emulators

FILE, FIRESTORE = "file", "firestore"
BOTH = (FILE, pytest.param(FIRESTORE, marks=pytest.mark.firestore))
Create = Callable[[str], Databases]


@pytest.fixture
async def create(tmp_path: Path) -> AsyncIterator[Create]:
    """Return a function that creates an empty database, in a file or in Firestore's emulator."""
    created: list[Databases] = []

    def create(kind: str) -> Databases:
        settings = (
            DatabaseSettings(file=tmp_path / f"{uuid4()}.db")
            if kind == FILE
            else emulators.firestore_settings(f"test-{uuid4()}")
        )
        created.append(Databases(settings, QuotaSettings(), concurrency=4))
        return created[-1]

    yield create
    for each in created:
        await each.close()
