"""Settings of Secret Manager."""

from pydantic import Field

from shared.settings import Settings


class SecretSettings(Settings):
    """Project and refresh interval of secrets that are set by reference (`sm://name`)."""

    project: str | None = Field(default=None, validation_alias="GOOGLE_CLOUD_PROJECT")
    refresh_s: float = Field(default=300, ge=10, le=86_400, validation_alias="SECRET_REFRESH_S")
    """Time after which a secret is fetched again: the longest use of a key after its rotation."""

    timeout_s: float = Field(default=5, gt=0, le=60, validation_alias="SECRET_TIMEOUT_S")
