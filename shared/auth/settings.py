"""Settings for password hashing and verification."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import Settings


class PasswordSettings(Settings):
    """Limits of password hashing, and of the cache of verified credentials."""

    model_config = SettingsConfigDict(env_prefix="PASSWORD_")

    remembered: int = Field(default=10_000, ge=1, le=1_000_000)
    """The maximum number of verified credentials that a process caches; about 200 bytes each."""

    remembered_s: float = Field(default=600, gt=0, le=3600)
    """The time for which a verified credential is cached."""

    longest_wait_s: float = Field(default=10, gt=0, le=60)
    """The maximum time that a request waits for password hashing; then it gets 503."""
