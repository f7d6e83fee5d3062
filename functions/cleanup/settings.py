"""Settings of the cleanup."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import Settings


class CleanupSettings(Settings):
    """How much a run of the cleanup may do."""

    model_config = SettingsConfigDict(env_prefix="CLEANUP_")

    pass_s: float = Field(default=240, gt=0, le=480, validation_alias="CLEANUP_S")
    """After how long a run starts no further page. The rest is left to the next run.

    The platform ends a pushed request after nine minutes.
    """

    page_size: int = Field(default=100, ge=1, le=100)
    """How many documents of a collection are deleted at a time.

    Firestore takes 10 MiB in one commit, in which also what is deleted counts.
    """

    patrol_size: int = Field(default=300, ge=1, le=1000)
    """At how many users a run looks for documents of users who do not exist; each costs a read."""
