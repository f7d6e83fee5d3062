"""The data of a server, moved by each command while the server runs, and served again."""

import json
import os
import subprocess
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from scripts.local.ports import HOST
from scripts.root import ROOT
from shared.store.data_model import ALL, DELETIONS, EVENTS
from shared.store.database import Database
from shared.store.quotas import Quotas
from shared.store.settings import DatabaseSettings
from shared.store.verifications import Verification, Verifications
from shared.timestamps import now
from tests.emulators import ports
from tests.scripts.self_hosted.alice import Alice
from tests.scripts.self_hosted.installation import Installation


async def write_others(file: Path) -> None:
    """Write documents that no request of a client leaves."""
    database = Database(DatabaseSettings(file=file))
    at = now()
    await Verifications(database).put("Web-a", Verification(at, None), at + timedelta(days=1))
    await Quotas(database).take("plans-Web-a", 5, at)
    batch = database.batch()
    # A deleted user, some of whose documents remain.
    batch.set(database.document(DELETIONS, "gone"), {"deleted_at": at})
    batch.set(database.document(EVENTS, "1", user_id="gone"), {"expiry": at})
    await database.commit(batch)
    await database.close()


@dataclass(frozen=True)
class Moves:
    """The commands that move the data of a server."""

    source: Installation
    folder: Path

    def by_copy(self, target: Installation) -> None:
        copy = self.folder / "copy.db"
        self._run(self.source, "copy", str(copy))
        self._run(self.source, "check")
        self._run(target, "restore", str(copy))

    def by_export(self, target: Installation) -> None:
        file = self.folder / "export.jsonl.gz"
        self._run(self.source, "export", str(file))
        self._run(target, "import", str(file))

    def by_firestore(self, target: Installation) -> None:
        there, back = self.folder / "there.jsonl", self.folder / "back.jsonl"
        self._run(self.source, "export", str(there))
        project = f"test-{uuid4()}"
        for command, file in (("import", there), ("export", back)):
            subprocess.run(
                [ROOT / "scripts" / "serve", command, file, "--firestore", project],
                env={**os.environ, "FIRESTORE_EMULATOR_HOST": f"{HOST}:{ports().firestore}"},
                check=True,
            )
        self._run(target, "import", str(back))

    def documents(self, installation: Installation) -> list[str]:
        """Return the lines of all documents."""
        exported = self._run(installation, "export", "-")
        lines = exported.splitlines()[1:-1]
        assert {json.loads(line)["path"].split("/")[-2] for line in lines} == {
            collection.name for collection in ALL
        }
        return lines

    @staticmethod
    def _run(installation: Installation, *arguments: str) -> str:
        ended = installation.run(*arguments)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Test one command, and all with `--long`: each starts many processes."""
    others = ["by_export", pytest.param("by_firestore", marks=pytest.mark.firestore)]
    metafunc.parametrize("move", ["by_copy", *(others if metafunc.config.option.long else [])])


async def test_data_of_a_running_server_moves(
    tmp_path: Path, http: httpx.AsyncClient, move: str
) -> None:
    source, target = Installation(tmp_path / "source"), Installation(tmp_path / "target")
    moves = Moves(source, tmp_path)
    with source.serve() as server:
        alice = await Alice.create(server, http)
        await write_others(source.data / "liftlog.db")
        shown = await alice.read(server, http)
        getattr(moves, move)(target)
        # The target has no server that changes it yet.
        assert moves.documents(target) == moves.documents(source)
    with target.serve() as server:
        assert await alice.read(server, http) == shown
        assert await alice.take_messages(server, http) == 1
