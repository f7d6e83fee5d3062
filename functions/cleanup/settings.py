"""Settings of the cleanup."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import Settings


class CleanupSettings(Settings):
    """The limits of a pass of the cleanup."""

    model_config = SettingsConfigDict(env_prefix="CLEANUP_")

    # The function's timeout and the subscription's acknowledgement deadline must be longer. Pub/Sub
    # limits the deadline to ten minutes, and delivers the message again after it.
    pass_s: float = Field(default=240, gt=0, le=480, validation_alias="CLEANUP_S")
    """The time after which a pass begins no further page; the next run does the rest."""

    # Firestore accepts 10 MiB per commit, which includes the deleted documents.
    page_size: int = Field(default=100, ge=1, le=100)
    """The number of documents of a collection that are deleted in one commit."""

    scan_size: int = Field(default=300, ge=1, le=1000, validation_alias="CLEANUP_PATROL_SIZE")
    """The number of users, and of lookups, that a pass scans for orphans."""
