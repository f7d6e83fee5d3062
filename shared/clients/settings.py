"""Settings of Secret Manager."""

from pydantic import Field

from shared.settings import Settings


class SecretSettings(Settings):
    """Where secrets lie that are given by reference, `sm://name`, and how long a copy is used."""

    project: str | None = Field(default=None, validation_alias="GOOGLE_CLOUD_PROJECT")
    refresh_s: float = Field(default=300, ge=10, le=86_400, validation_alias="SECRET_REFRESH_S")
    """After how long a secret is fetched again: within this time a rotated key is in use."""

    timeout_s: float = Field(default=5, gt=0, le=60, validation_alias="SECRET_TIMEOUT_S")
