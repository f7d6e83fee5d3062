"""The place of backups that the settings name."""

import logging
from collections.abc import Awaitable, Callable

from shared.backups.backups import Backups
from shared.backups.bucket import Bucket
from shared.backups.cloud_storage import CloudStorage
from shared.backups.folder import Folder
from shared.backups.place import RETRY_AFTER_S, BackupPlace
from shared.backups.retention import Retention
from shared.backups.settings import MAX_BACKUPS, BackupSettings, decode_key
from shared.backups.storage_requests import StorageRequests
from shared.clients.google_token import GoogleAccessToken
from shared.clients.http import Client
from shared.clients.secrets import Secret, Secrets
from shared.errors import DependencyUnavailable

logger = logging.getLogger(__name__)

# `devstorage.read_write` is not enough to set metadata (`objects.patch`). The role of the account
# limits the permissions of the token.
_SCOPE = "https://www.googleapis.com/auth/devstorage.full_control"
_ATTEMPT_TIMEOUT_S = 30
_TOKEN_TIMEOUT_S = 5


def open_backups(settings: BackupSettings, secrets: Secrets, http: Client) -> Backups | None:
    """Return the backups in the place that `settings` name; None if they name none."""
    place = _place(settings, secrets, http)
    if place is None:
        return None
    retention = Retention(settings.keep, settings.keep_days, settings.quota_bytes, MAX_BACKUPS)
    return Backups(place, retention)


def _place(settings: BackupSettings, secrets: Secrets, http: Client) -> BackupPlace | None:
    if settings.folder is not None:
        has_key = settings.encryption_key is not None
        secret = secrets.get(settings, "encryption_key") if has_key else None
        return Folder(settings.folder, None if secret is None else _key_of(secret))
    if settings.bucket is None:
        return None
    is_fake = settings.storage_url.scheme == "http"
    token = None if is_fake else GoogleAccessToken(_SCOPE, _TOKEN_TIMEOUT_S)
    requests = StorageRequests(http, token, _ATTEMPT_TIMEOUT_S)
    return Bucket(CloudStorage(str(settings.storage_url), settings.bucket, requests))


def _key_of(secret: Secret) -> Callable[[], Awaitable[bytes]]:
    async def key() -> bytes:
        text = await secret.value()
        try:
            return decode_key(text)
        except ValueError as error:
            logger.error("%s %s", secret.variable, str(error))  # noqa: TRY400 - a setting is wrong
            raise DependencyUnavailable(f"the secret {secret.variable}", RETRY_AFTER_S) from None

    return key
