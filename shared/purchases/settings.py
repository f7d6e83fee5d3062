"""Settings for the verification of purchases."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import Settings


class PurchaseSettings(Settings):
    """Lifetimes of cached verifications, and the timeout of providers."""

    model_config = SettingsConfigDict(env_prefix="PURCHASE_")

    good_s: float = Field(default=1800, gt=0, le=86_400)
    """How long a verified token passes before its store is asked again."""

    refused_s: float = Field(default=60, gt=0, le=3600)
    """The same for a refused one: short, because who was just refused may be buying now."""

    trusted_s: float = Field(default=86_400, gt=0, le=7 * 86_400)
    """How long after its verification a token passes while its store cannot be asked."""

    remembered: int = Field(default=10_000, ge=1, le=1_000_000)
    """How many tokens a process remembers at most; about 300 bytes each."""

    timeout_s: float = Field(default=5, gt=0, le=60)
    """How long one call to a store may take."""
