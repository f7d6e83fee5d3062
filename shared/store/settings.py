"""Settings of the database."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import Settings


class DatabaseSettings(Settings):
    """The database, Firestore or a file, and the timeouts of its calls."""

    project: str | None = Field(default=None, validation_alias="GOOGLE_CLOUD_PROJECT")
    """The Google Cloud project of Firestore and Secret Manager; by default that of the credentials.

    References to secrets need it, and so do the trace ids in log lines.
    """

    database: str = Field(default="(default)", validation_alias="FIRESTORE_DATABASE")
    """The name of the Firestore database."""

    emulator_host: str | None = Field(default=None, validation_alias="FIRESTORE_EMULATOR_HOST")
    """The `host:port` of an emulator; without it, Firestore itself is used."""

    file: Path | None = Field(default=None, validation_alias="DATABASE_FILE")
    """The file of the embedded database; without it, Firestore or its emulator is used."""

    attempt_timeout_s: float = Field(
        default=3, gt=0, le=60, validation_alias="FIRESTORE_ATTEMPT_TIMEOUT_S"
    )
    """The timeout of one attempt of a call."""

    retry_for_s: float = Field(default=2, gt=0, le=60, validation_alias="FIRESTORE_RETRY_FOR_S")
    """The time after which a failed call is not retried."""

    max_wait_s: float = Field(default=5, gt=0, le=60, validation_alias="FIRESTORE_LONGEST_WAIT_S")
    """The maximum time that a request for large amounts of data waits; then it gets 503."""


class InboxSettings(Settings):
    """The retention of inbox messages."""

    model_config = SettingsConfigDict(env_prefix="INBOX_")

    # The lower bound protects from a typo that would delete messages before they are taken.
    retention_days: int = Field(default=90, ge=10, le=3650)
    """The number of days after which an unread inbox message expires."""


class QuotaSettings(Settings):
    """The database of the rate limits."""

    database: str | None = Field(default=None, validation_alias="RATE_LIMIT_DATABASE")
    """The Firestore database of the rate limits; by default that of all other data."""
