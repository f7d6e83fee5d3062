"""Settings for password hashing and verification."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import Settings


class PasswordSettings(Settings):
    """Limits on password hashing in one process, and the cache of verified credentials."""

    model_config = SettingsConfigDict(env_prefix="PASSWORD_")

    remembered: int = Field(default=10_000, ge=1, le=1_000_000)
    """How many verified credentials are remembered at most; about 200 bytes each."""

    remembered_s: float = Field(default=600, gt=0, le=3600)
    longest_wait_s: float = Field(default=10, gt=0, le=60)
    """How long a request may wait for its turn to hash before it is answered 503."""
