"""Settings of the database."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import Settings


class DatabaseSettings(Settings):
    """The address of Firestore, and the limits of its calls."""

    project: str | None = Field(default=None, validation_alias="GOOGLE_CLOUD_PROJECT")
    """The Google Cloud project. None: the project of the default credentials."""

    database: str = Field(default="(default)", validation_alias="FIRESTORE_DATABASE")

    emulator_host: str | None = Field(default=None, validation_alias="FIRESTORE_EMULATOR_HOST")
    """`host:port` of an emulator. None: Firestore itself."""

    attempt_timeout_s: float = Field(
        default=3, gt=0, le=60, validation_alias="FIRESTORE_ATTEMPT_TIMEOUT_S"
    )
    """The time limit of one attempt of a call."""

    retry_for_s: float = Field(default=2, gt=0, le=60, validation_alias="FIRESTORE_RETRY_FOR_S")
    """The time after which a failed call is not retried."""

    max_wait_s: float = Field(default=5, gt=0, le=60, validation_alias="FIRESTORE_LONGEST_WAIT_S")
    """The longest wait of a request with much data for its slot. After it, the response is 503."""


class InboxSettings(Settings):
    """The retention of inbox messages."""

    model_config = SettingsConfigDict(env_prefix="INBOX_")

    # The lower bound protects from a typo that would delete messages before they are taken.
    retention_days: int = Field(default=90, ge=10, le=3650)


class QuotaSettings(Settings):
    """The place of the request counts."""

    database: str | None = Field(default=None, validation_alias="RATE_LIMIT_DATABASE")
    """The Firestore database of the counts. None: the database of everything else."""
