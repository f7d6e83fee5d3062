"""Fixtures of the database's tests."""

from uuid import uuid4

import pytest

from shared.store.database import Database
from shared.store.settings import DatabaseSettings


@pytest.fixture
def own_settings() -> DatabaseSettings:
    """Settings for a project that only this test uses."""
    # The emulator creates a project at its first use.
    return DatabaseSettings(project=f"test-{uuid4()}")


@pytest.fixture
def own_database(own_settings: DatabaseSettings) -> Database:
    """An empty database that only this test uses."""
    return Database(own_settings)
