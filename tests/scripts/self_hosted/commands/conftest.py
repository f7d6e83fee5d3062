"""Fixtures of the commands for the data."""

import asyncio
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scripts.self_hosted import __main__ as command_line
from shared.store.data_model import LOOKUPS, USERS
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from tests import in_process


@dataclass(frozen=True)
class Data:
    """A data folder without a server."""

    folder: Path

    @property
    def database(self) -> Path:
        """The file of the database."""
        return self.folder / "liftlog.db"

    def run(self, *arguments: Any, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command on the folder, in this process."""
        texts = [str(each) for each in arguments]
        return in_process.run(command_line.main, *texts, "--data", str(self.folder), given=given)

    def fails(self, *arguments: Any, given: str | None = None) -> str:
        """Run a command that ends with one line; return that line."""
        ended = self.run(*arguments, given=given)
        assert ended.returncode == 1, ended
        [line] = ended.stderr.splitlines()
        assert line.startswith("serve: ")
        return line.removeprefix("serve: ")

    def succeeds(self, *arguments: Any, given: str | None = None) -> str:
        """Run a command that succeeds; return its standard output."""
        ended = self.run(*arguments, given=given)
        assert ended.returncode == 0, ended
        return ended.stdout

    def write(self, *users: str) -> None:
        """Write users."""
        self.folder.mkdir(exist_ok=True)
        write_users(self.database, *users)

    def users(self) -> list[str]:
        """Return the ids of all users."""
        return users_in(self.database)

    def write_backups(self, folder: Path | None = None) -> None:
        """Write two backups of 2 MiB together, and an incomplete one."""
        user = (folder or self.folder / "backups") / "alice"
        (user / "incomplete").mkdir(parents=True)
        for name in ("one.gz", "two.gz.enc", "incomplete/three"):
            (user / name).write_bytes(bytes(1024**2))

    @property
    def files(self) -> set[str]:
        """The names of the files in the folder, without the locks."""
        return {each.name for each in self.folder.iterdir()} - {"lock", "maintenance.lock"}


def write_users(file: Path, *users: str) -> None:
    """Write users into a database file."""

    async def write() -> None:
        database = Database(DatabaseSettings(file=file))
        batch = database.batch()
        for user in users:
            batch.set(database.document(USERS, user), {"lookup": user})
            batch.set(database.document(LOOKUPS, user), {"user_id": user})
        await database.commit(batch)
        await database.close()

    asyncio.run(write())


def users_in(file: Path) -> list[str]:
    """Return the ids of all users in a database file."""

    async def read() -> list[str]:
        database = Database(DatabaseSettings(file=file))
        found = await database.query(database.collection(USERS).limit(1000))
        await database.close()
        return [each.id for each in found]

    return asyncio.run(read())


@pytest.fixture
def data(tmp_path: Path) -> Data:
    """A data folder that does not exist yet."""
    return Data(tmp_path / "data")


@pytest.fixture
def filled(data: Data) -> Data:
    """A data folder with the users a and b."""
    data.write("a", "b")
    return data
