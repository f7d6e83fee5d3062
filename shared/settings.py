"""What a deployment may choose, read from the environment once; a wrong value fails the start."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class StoreSettings(BaseSettings):
    """Where Firestore is and how long we wait for it."""

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True, validate_by_name=True)

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


class InboxSettings(BaseSettings):
    """How long a message waits for its reader."""

    model_config = SettingsConfigDict(frozen=True, env_prefix="INBOX_")

    retention_days: int = Field(default=90, ge=10, le=3650)


class PasswordSettings(BaseSettings):
    """How much password work a process takes on, and how long it remembers what verified."""

    model_config = SettingsConfigDict(frozen=True, env_prefix="PASSWORD_")

    remembered: int = Field(default=10_000, ge=1, le=1_000_000)
    """How many verified credentials are remembered at most; about 200 bytes each."""

    remembered_s: float = Field(default=600, gt=0, le=3600)
    longest_wait_s: float = Field(default=10, gt=0, le=60)
    """How long a request may wait for its turn to hash before it is answered 503."""
