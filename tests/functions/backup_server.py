"""A server of backups with its own settings, for one test."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from functions.backup.handlers import BackupHandlers
from shared.backups.backups import Backups
from shared.backups.folder import Folder
from shared.backups.place import BackupPlace
from shared.backups.retention import Retention
from shared.web.app import build_app
from shared.web.features import Feature, Features
from tests.caller_auth import user_auth
from tests.fakes import FakeServers

ALICE, BOB = {"X-API-Key": "SECRET-key-of-alice"}, {"X-Api-Key": "SECRET-key-of-bob"}
FORWARDED = "Remote-User"
RETENTION = Retention(keep=30, keep_days=90, quota_bytes=10**9, max_backups=1000)


@dataclass
class BackupServer:
    """The address of a server, and its folder."""

    url: str
    http: httpx.AsyncClient
    folder: Path

    async def send(
        self, method: str, path: str, headers: dict[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """Send a request; by default with Alice's key."""
        chosen = ALICE if headers is None else headers
        return await self.http.request(method, self.url + path, headers=chosen, **options)

    async def backups(self, headers: dict[str, str] | None = None) -> list[dict[str, Any]]:
        """Return the list of backups."""
        found: list[dict[str, Any]] = (await self.send("GET", "/backups", headers)).json()[
            "backups"
        ]
        return found

    @property
    def files(self) -> Sequence[Path]:
        """All files in the folder."""
        return [path for path in self.folder.rglob("*") if path.is_file()]


def backup_server(
    servers: FakeServers,
    http: httpx.AsyncClient,
    folder: Path,
    retention: Retention = RETENTION,
    place: BackupPlace | None = None,
    *,
    is_enabled: bool = True,
    is_configured: bool = True,
) -> BackupServer:
    """Serve backups in `folder`, or in another place."""
    auth = user_auth(f"alice={ALICE['X-API-Key']},bob={BOB['X-Api-Key']}", FORWARDED, "127.0.0.1")
    features = Features(
        frozenset() if is_enabled else frozenset({Feature.BACKUP}),
        frozenset() if is_configured else frozenset({Feature.BACKUP}),
    )
    backups = Backups(place or Folder(folder), retention) if is_configured else None
    app = build_app(BackupHandlers(auth, backups).routes(), features=features)
    return BackupServer(servers.serve("backup", app), http, folder)
