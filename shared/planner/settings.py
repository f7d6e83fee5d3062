"""Settings of the language model."""

from pydantic import Field, HttpUrl, SecretStr, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from shared.settings import Settings


class ModelSettings(Settings):
    """The language model, and the limits of its responses."""

    model_config = SettingsConfigDict(env_prefix="OPENAI_")

    api_key: SecretStr | None = None
    """The key of the language model; a server of your own may accept any key."""

    base_url: HttpUrl = HttpUrl("https://api.openai.com/v1")
    """The base URL of a server that supports OpenAI's Chat Completions."""

    model: str = "gpt-4o"
    """The name of the model."""

    silence_s: float = Field(default=30, gt=0, le=600)
    """The maximum pause before the first chunk of a response or between two chunks."""

    retries: int = Field(default=2, ge=0, le=5)
    """The number of retries of a call that failed before the first chunk of the response."""

    context_tokens: int = Field(default=128_000, ge=8000, le=10_000_000)
    """The context of the model, in tokens: the prompt, the conversation and the response."""

    max_tokens: int = Field(default=12_000, ge=500, le=1_000_000, validate_default=True)
    """The maximum length of one response, in tokens; at most half of `OPENAI_CONTEXT_TOKENS`."""

    deadline_s: float = Field(default=120, gt=0, le=3000)
    """The maximum time for a plan or a reply, including all retries."""

    @field_validator("max_tokens")
    @classmethod
    def _leaves_room_for_the_conversation(cls, tokens: int, known: ValidationInfo) -> int:
        if "context_tokens" in known.data and tokens > known.data["context_tokens"] // 2:
            raise ValueError("must be at most half of OPENAI_CONTEXT_TOKENS")
        return tokens
