"""Settings for the verification of purchases."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import Settings


class PurchaseSettings(Settings):
    """Times and limits of the cache of purchase answers, and of calls to purchase providers."""

    model_config = SettingsConfigDict(env_prefix="PURCHASE_")

    good_s: float = Field(default=1800, gt=0, le=86_400)
    """The time for which a confirmed purchase is cached."""

    refused_s: float = Field(default=60, gt=0, le=3600)
    """The time for which a rejected purchase is cached; short, because the user may be buying."""

    trusted_s: float = Field(default=86_400, gt=0, le=7 * 86_400)
    """The time for which a confirmed purchase passes while its provider is unavailable."""

    max_cached: int = Field(
        default=10_000, ge=1, le=1_000_000, validation_alias="PURCHASE_REMEMBERED"
    )
    """The maximum number of purchases that a process caches; about 300 bytes each."""

    timeout_s: float = Field(default=5, gt=0, le=60)
    """The timeout of one call to a purchase provider."""
