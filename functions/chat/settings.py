"""Settings of the chat."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import Settings


class ChatSettings(Settings):
    """The address of the chat, and the limits of its connections."""

    model_config = SettingsConfigDict(env_prefix="CHAT_")

    host: str = "0.0.0.0"  # noqa: S104 - Cloud Run connects from outside the container
    """The address on which the chat listens."""

    port: int = Field(default=8080, ge=0, le=65_535, validation_alias="PORT")
    """The port on which the chat listens; the platform sets it."""

    messages_web: int = Field(default=2000, ge=1, le=10_000)
    """The maximum number of messages per `Web` token or API key without a user in any 24 hours."""

    messages_mobile: int = Field(default=200, ge=1, le=10_000)
    """The maximum number of messages per other purchase or user in any 24 hours."""

    grace_s: float = Field(default=7, ge=0, le=3600)
    """The time for replies in flight after the service received SIGTERM."""

    max_age_s: float = Field(default=3400, gt=0, le=86_400, validation_alias="CHAT_LONGEST_S")
    """The maximum duration of a connection; the platform ends it after an hour."""
