"""Settings of the language model."""

from pydantic import Field, HttpUrl, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.settings import Settings


class ModelSettings(Settings):
    """Which language model makes the plans, and how much it may take."""

    model_config = SettingsConfigDict(env_prefix="OPENAI_")

    api_key: SecretStr | None = None
    base_url: HttpUrl = HttpUrl("https://api.openai.com/v1")
    """Any server that speaks OpenAI's Chat Completions."""

    model: str = "gpt-4o"
    silence_s: float = Field(default=30, gt=0, le=600)
    """How long the model may say nothing, before its first word or between two."""

    retries: int = Field(default=2, ge=0, le=5)
    """How often a call is made again that failed before the model's first word."""

    max_tokens: int = Field(default=12_000, ge=500, le=128_000)
    """How long one reply may become."""

    deadline_s: float = Field(default=120, gt=0, le=3000)
    """How long a plan may take in all, with every retry."""
