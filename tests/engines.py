"""The engine of a test's database, as a parameter. By default it is SQLite."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import uuid4

import pytest

from scripts.local.ports import Ports
from scripts.local.storage import HasEnvironment
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from tests import emulators, stack

SQLITE, FIRESTORE = "sqlite", "firestore"
_BOTH = (SQLITE, pytest.param(FIRESTORE, marks=pytest.mark.firestore))
on_firestore_only = pytest.mark.parametrize("engine", _BOTH[1:], indirect=True, scope="session")
"""For Firestore's own features, and for what an emulator does."""


def parametrize_by_engine(metafunc: pytest.Metafunc) -> None:
    """Run a test once per engine, unless it uses no database or declares its engines."""
    marks = metafunc.definition.iter_markers("parametrize")
    if "engine" in metafunc.fixturenames and not any(mark.args[0] == "engine" for mark in marks):
        metafunc.parametrize("engine", _BOTH, indirect=True, scope="session")


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> str:
    """The name of the engine."""
    return str(getattr(request, "param", SQLITE))


@pytest.fixture(scope="session")
def ports(engine: str) -> Ports:
    """The ports of the stack whose database has this engine."""
    return stack.current() if engine == SQLITE else emulators.ports()


@pytest.fixture(scope="session")
def storage(engine: str) -> HasEnvironment:
    """The environment of a process that uses the database of the stack."""
    return stack.database_file() if engine == SQLITE else emulators.emulators()


@pytest.fixture(scope="session")
def settings(engine: str) -> DatabaseSettings:
    """The settings of the database of the stack. Many tests use it, each with its own ids."""
    return DatabaseSettings() if engine == SQLITE else emulators.firestore_settings()


@pytest.fixture(scope="session")
async def database(settings: DatabaseSettings) -> AsyncIterator[Database]:
    """The database of the stack."""
    database = Database(settings)
    yield database
    await database.close()


@pytest.fixture
def new_settings(engine: str, tmp_path: Path) -> Callable[[], DatabaseSettings]:
    """Return a function that returns settings for an empty database."""

    def new() -> DatabaseSettings:
        if engine == SQLITE:
            return DatabaseSettings(file=tmp_path / f"{uuid4()}.db")
        return emulators.firestore_settings(f"test-{uuid4()}")

    return new


@pytest.fixture
def own_settings(new_settings: Callable[[], DatabaseSettings]) -> DatabaseSettings:
    """The settings of a database that only this test uses."""
    return new_settings()


@pytest.fixture
async def own_database(own_settings: DatabaseSettings) -> AsyncIterator[Database]:
    """An empty database that only this test uses."""
    database = Database(own_settings)
    yield database
    await database.close()
