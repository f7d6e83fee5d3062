"""Settings of backups."""

from base64 import b64decode
from binascii import Error as InvalidBase64Error
from pathlib import Path
from typing import Self

from pydantic import Field, HttpUrl, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from shared.clients.secrets import is_reference
from shared.settings import Settings

KEY_BYTES = 32
MAX_BACKUPS = 1000
"""The maximum number of backups of one user, so that lists are bounded."""


class BackupSettings(Settings):
    """The place of backups, their retention and their encryption."""

    model_config = SettingsConfigDict(env_prefix="BACKUP_")

    bucket: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$")
    """The Cloud Storage bucket of the backups; without it and `BACKUP_FOLDER`, backups get 422."""

    folder: Path | None = None
    """The folder of the backups, instead of a bucket."""

    keep: int = Field(default=30, ge=1, le=MAX_BACKUPS)
    """The number of a user's newest backups that are kept at any age."""

    keep_days: int = Field(default=90, ge=0, le=3650)
    """The days for which each backup is kept, at most 1,000 backups per user."""

    quota_bytes: int = Field(default=1024**3, ge=1_000_000)
    """The maximum total size of a user's backups; the oldest ones are deleted for a new one."""

    encryption_key: SecretStr | None = None
    """The key that encrypts backups in a folder: 32 bytes in base64, or a reference `sm://name`."""

    storage_url: HttpUrl = HttpUrl("https://storage.googleapis.com")
    """The base URL of Cloud Storage; a fake with `http://` gets no access token."""

    @field_validator("encryption_key")
    @classmethod
    def _reject_wrong_key(cls, key: SecretStr | None) -> SecretStr | None:
        # A reference is checked when its secret is read.
        if key is not None and not is_reference(key.get_secret_value()):
            decode_key(key.get_secret_value())
        return key

    @model_validator(mode="after")
    def _reject_two_places(self) -> Self:
        if self.bucket is not None and self.folder is not None:
            raise ValueError("set BACKUP_BUCKET or BACKUP_FOLDER, not both")
        return self


def decode_key(text: str) -> bytes:
    """Return the key in `text`.

    Raises:
        ValueError: not 32 bytes in base64. The message does not contain the text.
    """
    try:
        key = b64decode(text, validate=True)
    except (InvalidBase64Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError("must be 32 bytes in base64; `openssl rand -base64 32` prints a new key")
    return key
