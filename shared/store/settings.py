"""Settings of the database."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import Settings


class DatabaseSettings(Settings):
    """Where Firestore is and how long we wait for it."""

    project: str | None = Field(default=None, validation_alias="GOOGLE_CLOUD_PROJECT")
    """The Google Cloud project; None means the one that the credentials belong to."""

    database: str = Field(default="(default)", validation_alias="FIRESTORE_DATABASE")

    emulator_host: str | None = Field(default=None, validation_alias="FIRESTORE_EMULATOR_HOST")
    """`host:port` of an emulator; None means the real Firestore."""

    attempt_timeout_s: float = Field(
        default=3, gt=0, le=60, validation_alias="FIRESTORE_ATTEMPT_TIMEOUT_S"
    )
    """How long one attempt of a call may take."""

    retry_for_s: float = Field(default=2, gt=0, le=60, validation_alias="FIRESTORE_RETRY_FOR_S")
    """After how long a failed call is not attempted again."""

    longest_wait_s: float = Field(
        default=5, gt=0, le=60, validation_alias="FIRESTORE_LONGEST_WAIT_S"
    )
    """How long a request that moves much data may wait for its turn before it is answered 503."""


class InboxSettings(Settings):
    """How long a message waits for its reader."""

    model_config = SettingsConfigDict(env_prefix="INBOX_")

    retention_days: int = Field(default=90, ge=10, le=3650)


class QuotaSettings(Settings):
    """Where is counted what passes the rate limits."""

    database: str | None = Field(default=None, validation_alias="RATE_LIMIT_DATABASE")
    """The Firestore database of the counts; None means that of everything else."""
