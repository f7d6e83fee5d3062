"""Settings for password hashing and verification."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import Settings


class PasswordSettings(Settings):
    """Limits of password hashing, and of the cache of verified credentials."""

    model_config = SettingsConfigDict(env_prefix="PASSWORD_")

    max_cached: int = Field(
        default=10_000, ge=1, le=1_000_000, validation_alias="PASSWORD_REMEMBERED"
    )
    """The maximum number of verified credentials that a process caches; about 200 bytes each."""

    cached_s: float = Field(default=600, gt=0, le=3600, validation_alias="PASSWORD_REMEMBERED_S")
    """The time for which a verified credential is cached."""

    max_wait_s: float = Field(default=10, gt=0, le=60, validation_alias="PASSWORD_LONGEST_WAIT_S")
    """The maximum time that a request waits for password hashing; then it gets 503."""
