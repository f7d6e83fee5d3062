"""Settings for rate limits."""

from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import Settings


class RateLimitSettings(Settings):
    """The maximum number of paid requests per purchase or user in any 24 hours."""

    model_config = SettingsConfigDict(env_prefix="RATE_LIMIT_")

    web: int = Field(default=100, ge=1, le=10_000)
    """The maximum number of plans per `Web` token or API key without a user in any 24 hours."""

    mobile: int = Field(default=20, ge=1, le=10_000)
    """The maximum number of plans per other purchase or user in any 24 hours."""

    when_unavailable: Literal["refuse", "allow"] = "refuse"
    """The result of a request that cannot be counted: `refuse` or `allow`."""

    test_mode: bool = Field(default=False, validation_alias="TEST_MODE")
    """`True` disables all rate limits."""
