"""Settings of Secret Manager."""

from pydantic import Field

from shared.settings import Settings


class SecretSettings(Settings):
    """The access to secrets that are references (`sm://name`), and their refresh interval."""

    project: str | None = Field(default=None, validation_alias="GOOGLE_CLOUD_PROJECT")
    """The Google Cloud project of Firestore and Secret Manager; by default that of the credentials.

    References to secrets need it, and so do the trace ids in log lines.
    """

    refresh_s: float = Field(default=300, ge=10, le=86_400, validation_alias="SECRET_REFRESH_S")
    """The interval after which a secret is fetched again; a new version is in use by then."""

    timeout_s: float = Field(default=5, gt=0, le=60, validation_alias="SECRET_TIMEOUT_S")
    """The timeout of one fetch of a secret."""
