"""Settings of the cleanup."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import Settings


class CleanupSettings(Settings):
    """The limits of a pass."""

    model_config = SettingsConfigDict(env_prefix="CLEANUP_")

    # Below the acknowledgement deadline of the subscription, which Pub/Sub limits to ten minutes.
    # After that deadline it delivers the message again.
    pass_s: float = Field(default=240, gt=0, le=480, validation_alias="CLEANUP_S")
    """The time after which a pass begins no further page. The next run continues."""

    # Firestore accepts 10 MiB per commit, and deleted documents count.
    page_size: int = Field(default=100, ge=1, le=100)
    """The number of documents per page."""

    scan_size: int = Field(default=300, ge=1, le=1000, validation_alias="CLEANUP_PATROL_SIZE")
    """The number of users and lookups that a pass checks for orphans; one read per user."""
