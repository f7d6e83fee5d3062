"""Settings of the cleanup."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import Settings


class CleanupSettings(Settings):
    """Limits of a cleanup run."""

    model_config = SettingsConfigDict(env_prefix="CLEANUP_")

    pass_s: float = Field(default=240, gt=0, le=480, validation_alias="CLEANUP_S")
    """The time after which a run starts no further page; the next run does the rest.

    The platform ends a pushed request after nine minutes.
    """

    page_size: int = Field(default=100, ge=1, le=100)
    """The number of documents of a collection that are deleted in one commit.

    Firestore accepts 10 MiB per commit, which includes the deleted documents.
    """

    patrol_size: int = Field(default=300, ge=1, le=1000)
    """The number of users that a run scans for orphans; each costs a read."""
