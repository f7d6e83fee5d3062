"""Settings of the language model."""

from pydantic import Field, HttpUrl, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.settings import Settings


class ModelSettings(Settings):
    """The language model and its limits."""

    model_config = SettingsConfigDict(env_prefix="OPENAI_")

    api_key: SecretStr | None = None
    base_url: HttpUrl = HttpUrl("https://api.openai.com/v1")
    """Any server with OpenAI's Chat Completions API."""

    model: str = "gpt-4o"
    silence_s: float = Field(default=30, gt=0, le=600)
    """The timeout for the first chunk of a response, and between two chunks."""

    retries: int = Field(default=2, ge=0, le=5)
    """The number of retries of a request that fails before the first chunk."""

    max_tokens: int = Field(default=12_000, ge=500, le=128_000)
    """The maximum length of one response."""

    deadline_s: float = Field(default=120, gt=0, le=3000)
    """The time limit for a plan or a reply, with all retries."""
