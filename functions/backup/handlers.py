"""The routes of backups."""

from functools import partial

from shared.auth.named_user import NamedUser
from shared.backups.backups import Backups
from shared.backups.place import Backup
from shared.errors import BackupsNotConfigured, DependencyFailed, NotFound, QuotaExceeded
from shared.schemas.backups import (
    BackupAddress,
    BackupResponse,
    BackupsRequest,
    BackupsResponse,
)
from shared.timestamps import now
from shared.web.callers import UserAuth
from shared.web.download import Download
from shared.web.features import Feature
from shared.web.routes import Route
from shared.web.upload import Upload

MAX_BACKUP_BYTES = 32_000_000
"""Below the limit of the platform, 32 MiB."""

_MEDIA_TYPE = "application/gzip"
_PROBE_HEADER = "x-liftlog-probe"


class BackupHandlers:
    """Serves the routes of backups; `backups` is None if the server has no place for them."""

    def __init__(self, auth: UserAuth, backups: Backups | None) -> None:
        self._auth = auth
        self._configured = backups

    def routes(self) -> list[Route]:
        """Return the routes with their handlers."""
        route = partial(
            Route,
            response=None,
            auth=self._auth,
            features=[Feature.BACKUP],
            # An unknown caller must not learn which features the server has.
            signs_in_first=True,
        )
        download = partial(
            route,
            refuses=[BackupsNotConfigured, NotFound, DependencyFailed],
            is_cancellable=True,
            download_type=_MEDIA_TYPE,
        )
        return [
            route(
                "POST",
                "/backup",
                "Store a backup. With the header X-LiftLog-Probe, nothing is stored.",
                request=BackupsRequest,
                handler=self.store,
                refuses=[BackupsNotConfigured, QuotaExceeded],
                max_upload_bytes=MAX_BACKUP_BYTES,
            ),
            route(
                "GET",
                "/backups",
                "List the user's backups, newest first.",
                request=BackupsRequest,
                response=BackupsResponse,
                handler=self.list,
                refuses=[BackupsNotConfigured],
                is_cancellable=True,
            ),
            download(
                "GET",
                "/backup/latest",
                "Read the user's newest backup.",
                request=BackupsRequest,
                handler=self.get_latest,
            ),
            download(
                "GET",
                "/backup/{id}",
                "Read a backup.",
                request=BackupAddress,
                handler=self.get,
            ),
            route(
                "DELETE",
                "/backup/{id}",
                "Delete a backup.",
                request=BackupAddress,
                handler=self.delete,
                refuses=[BackupsNotConfigured, NotFound],
            ),
        ]

    async def store(self, _request: BackupsRequest, upload: Upload, user: NamedUser) -> None:
        """Store a backup."""
        # The value does not matter: the app sends `true`, a fork another header beside it.
        if _PROBE_HEADER in upload.headers:
            return
        announced_bytes = upload.announced_bytes()
        await self._backups.store(user.name, upload.chunks(), announced_bytes, now())

    async def list(self, _request: BackupsRequest, user: NamedUser) -> BackupsResponse:
        """List the backups."""
        backups = await self._backups.list(user.name)
        return BackupsResponse(backups=[BackupResponse.of(each) for each in backups])

    async def get_latest(self, _request: BackupsRequest, user: NamedUser) -> Download:
        """Read the newest backup."""
        return self._download(user, await self._backups.get_latest(user.name))

    async def get(self, address: BackupAddress, user: NamedUser) -> Download:
        """Read a backup."""
        return self._download(user, await self._backups.get(user.name, address.id))

    async def delete(self, address: BackupAddress, user: NamedUser) -> None:
        """Delete a backup."""
        await self._backups.delete(user.name, address.id)

    def _download(self, user: NamedUser, backup: Backup) -> Download:
        return Download(
            _MEDIA_TYPE,
            f"{backup.id}.liftlogbackup.gz",
            backup.size_bytes,
            backup.id,
            partial(self._backups.read, user.name, backup),
        )

    @property
    def _backups(self) -> Backups:
        if self._configured is None:
            raise BackupsNotConfigured("not configured on this server: backups")
        return self._configured
