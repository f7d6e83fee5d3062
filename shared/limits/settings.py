"""Settings for rate limits."""

from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import Settings


class RateLimitSettings(Settings):
    """Limits on requests to the paid model per purchase in any 24 hours."""

    model_config = SettingsConfigDict(env_prefix="RATE_LIMIT_")

    web: int = Field(default=100, ge=1, le=10_000)
    mobile: int = Field(default=20, ge=1, le=10_000)
    """For the tokens of every store but Web."""

    when_unavailable: Literal["refuse", "allow"] = "refuse"
    """What happens to a request that cannot be counted."""

    test_mode: bool = Field(default=False, validation_alias="TEST_MODE")
    """True: nobody is limited."""
