"""Settings of the chat."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import Settings


class ChatSettings(Settings):
    """The address of the chat, and the limits of clients."""

    model_config = SettingsConfigDict(env_prefix="CHAT_")

    host: str = "0.0.0.0"  # noqa: S104 - Cloud Run connects from outside the container
    port: int = Field(default=8080, ge=0, le=65_535, validation_alias="PORT")
    """Cloud Run sets it."""

    messages_web: int = Field(default=2000, ge=1, le=10_000)
    """The number of messages of a `Web` token in 24 hours."""

    messages_mobile: int = Field(default=200, ge=1, le=10_000)
    """The number of messages of any other token in 24 hours."""

    grace_s: float = Field(default=7, ge=0, le=3600)
    """The time that replies in flight have to end after SIGTERM."""

    max_age_s: float = Field(default=3400, gt=0, le=86_400, validation_alias="CHAT_LONGEST_S")
    """The age at which a connection is closed: Cloud Run cuts it after 3,600 s."""
