"""Fixtures of the cleanup's tests."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from scripts.local.database_file import DatabaseFile
from shared.store.settings import DatabaseSettings
from tests.emulators import emulators, firestore_settings
from tests.engines import SQLITE
from tests.functions.cleanup.service import Service


@pytest.fixture(scope="module")
async def running_service(
    engine: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Service]:
    """The function in its own process."""
    if engine == SQLITE:
        file = DatabaseFile(tmp_path_factory.mktemp("cleanup") / "cleanup.db", push_to="")
        service = Service(file, DatabaseSettings(file=file.path), pubsub=None)
    else:
        settings = firestore_settings(f"cleanup-{uuid4()}")
        service = Service(emulators(), settings, emulators().pubsub)
    async with service.running():
        yield service


@pytest.fixture
async def service(running_service: Service) -> Service:
    """The function with an empty database."""
    await running_service.reset()
    return running_service
