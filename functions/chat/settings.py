"""Settings of the chat."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import Settings


class ChatSettings(Settings):
    """Where the chat listens, and how long and how often clients may use it."""

    model_config = SettingsConfigDict(env_prefix="CHAT_")

    host: str = "0.0.0.0"  # noqa: S104 - a container of its own
    port: int = Field(default=8080, ge=0, le=65_535, validation_alias="PORT")
    """The platform says which."""

    messages_web: int = Field(default=2000, ge=1, le=10_000)
    """How many messages of a `Web` token pass in any 24 hours."""

    messages_mobile: int = Field(default=200, ge=1, le=10_000)
    """The same for a token of any other store."""

    grace_s: float = Field(default=7, ge=0, le=3600)
    """How long replies in flight may take when the service is told to stop."""

    longest_s: float = Field(default=3400, gt=0, le=86_400)
    """After how long a connection has to be made anew: the platform cuts it after an hour."""
