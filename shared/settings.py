"""What a deployment may choose, read from the environment once; a wrong value fails the start.

What concerns one purchase store alone is in that store's own file in `shared/auth`. The README's
table and `.env.example` are held against all of them by `tests/test_configuration.py`.
"""

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import (
    Field,
    HttpUrl,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """The variables of one concern. One that is set to nothing counts as not set."""

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True, validate_by_name=True)

    def __init__(self, **values: Any) -> None:  # noqa: ANN401 - pydantic checks them
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ValueError("; ".join(self._mistakes(error))) from None

    @classmethod
    def _mistakes(cls, error: ValidationError) -> Iterator[str]:
        """Say what is wrong with which variable, in the operator's words and without the value."""
        for mistake in error.errors(include_input=False, include_url=False):
            field = str(mistake["loc"][0])
            name = cls.variable(field) if field in cls.model_fields else field
            yield f"{name}: {mistake['msg']}"

    @classmethod
    def variable(cls, field: str) -> str:
        """Return the name of the environment variable that `field` comes from."""
        alias = cls.model_fields[field].validation_alias
        return (
            alias if isinstance(alias, str) else f"{cls.model_config['env_prefix']}{field}".upper()
        )


class StoreSettings(Settings):
    """Where Firestore is and how long we wait for it."""

    project: str | None = Field(default=None, validation_alias="GOOGLE_CLOUD_PROJECT")
    """The Google Cloud project; None means the one that the credentials belong to."""

    database: str = Field(default="(default)", validation_alias="FIRESTORE_DATABASE")

    emulator_host: str | None = Field(default=None, validation_alias="FIRESTORE_EMULATOR_HOST")
    """`host:port` of an emulator; None means the real Firestore."""

    attempt_timeout_s: float = Field(
        default=3, gt=0, le=60, validation_alias="FIRESTORE_ATTEMPT_TIMEOUT_S"
    )
    """How long one attempt of a call may take."""

    retry_for_s: float = Field(default=2, gt=0, le=60, validation_alias="FIRESTORE_RETRY_FOR_S")
    """After how long a failed call is not attempted again."""

    longest_wait_s: float = Field(
        default=5, gt=0, le=60, validation_alias="FIRESTORE_LONGEST_WAIT_S"
    )
    """How long a request that moves much data may wait for its turn before it is answered 503."""


class TelemetrySettings(Settings):
    """What a process says of itself, how, and to whom."""

    project: str | None = Field(default=None, validation_alias="GOOGLE_CLOUD_PROJECT")
    service: str | None = Field(default=None, validation_alias="K_SERVICE")
    """The function's or service's name; the platform says so, as it says the revision."""

    revision: str | None = Field(default=None, validation_alias="K_REVISION")
    log_format: Literal["json", "text"] = Field(default="json", validation_alias="LOG_FORMAT")
    """As Cloud Logging reads it, or as people do."""

    export: Literal["off", "google", "otlp"] = Field(
        default="off", validation_alias="TELEMETRY_EXPORT"
    )
    """Where traces and metrics go: nowhere, to Google Cloud, or to a collector."""

    region: str | None = Field(
        default=None, validation_alias="TELEMETRY_REGION", validate_default=True
    )
    """Where the process runs: `us-central1`. Google Cloud takes no metrics without it."""

    otlp_endpoint: HttpUrl = Field(
        default=HttpUrl("http://localhost:4318"), validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT"
    )
    """Where that collector is."""

    @field_validator("region")
    @classmethod
    def _is_known_to_google(cls, region: str | None, others: ValidationInfo) -> str | None:
        if others.data.get("export") == "google" and not region:
            raise ValueError("has to be set where TELEMETRY_EXPORT is google")
        return region


class InboxSettings(Settings):
    """How long a message waits for its reader."""

    model_config = SettingsConfigDict(env_prefix="INBOX_")

    retention_days: int = Field(default=90, ge=10, le=3650)


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


class PasswordSettings(Settings):
    """How much password work a process takes on, and how long it remembers what verified."""

    model_config = SettingsConfigDict(env_prefix="PASSWORD_")

    remembered: int = Field(default=10_000, ge=1, le=1_000_000)
    """How many verified credentials are remembered at most; about 200 bytes each."""

    remembered_s: float = Field(default=600, gt=0, le=3600)
    longest_wait_s: float = Field(default=10, gt=0, le=60)
    """How long a request may wait for its turn to hash before it is answered 503."""


class SecretSettings(Settings):
    """Where secrets lie that are given by reference, `sm://name`, and how long a copy is used."""

    project: str | None = Field(default=None, validation_alias="GOOGLE_CLOUD_PROJECT")
    refresh_s: float = Field(default=300, ge=10, le=86_400, validation_alias="SECRET_REFRESH_S")
    """After how long a secret is fetched again: within this time a rotated key is in use."""

    timeout_s: float = Field(default=5, gt=0, le=60, validation_alias="SECRET_TIMEOUT_S")


class PurchaseSettings(Settings):
    """How long the answers of purchase stores are remembered, and how long we wait for them."""

    model_config = SettingsConfigDict(env_prefix="PURCHASE_")

    good_s: float = Field(default=1800, gt=0, le=86_400)
    """How long a verified token passes before its store is asked again."""

    refused_s: float = Field(default=60, gt=0, le=3600)
    """The same for a refused one: short, because who was just refused may be buying now."""

    trusted_s: float = Field(default=86_400, gt=0, le=7 * 86_400)
    """How long after its verification a token passes while its store cannot be asked."""

    remembered: int = Field(default=10_000, ge=1, le=1_000_000)
    """How many tokens a process remembers at most; about 300 bytes each."""

    timeout_s: float = Field(default=5, gt=0, le=60)
    """How long one call to a store may take."""


class RateLimitSettings(Settings):
    """How often a purchase token may make a paid model work, in any 24 hours."""

    model_config = SettingsConfigDict(env_prefix="RATE_LIMIT_")

    web: int = Field(default=100, ge=1, le=10_000)
    mobile: int = Field(default=20, ge=1, le=10_000)
    """For the tokens of every store but Web."""

    when_unavailable: Literal["refuse", "allow"] = "refuse"
    """What happens to a request that cannot be counted."""

    test_mode: bool = Field(default=False, validation_alias="TEST_MODE")
    """True: nobody is limited."""


class QuotaSettings(Settings):
    """Where is counted what passes the rate limits."""

    database: str | None = Field(default=None, validation_alias="RATE_LIMIT_DATABASE")
    """The Firestore database of the counts; None means that of everything else."""


class ModelSettings(Settings):
    """Which language model makes the plans, and how much it may take."""

    model_config = SettingsConfigDict(env_prefix="OPENAI_")

    api_key: SecretStr | None = None
    base_url: HttpUrl = HttpUrl("https://api.openai.com/v1")
    """Any server that speaks OpenAI's Chat Completions."""

    model: str = "gpt-4o"
    silence_s: float = Field(default=30, gt=0, le=600)
    """How long the model may say nothing, before its first word or between two."""

    retries: int = Field(default=2, ge=0, le=5)
    """How often a call is made again that failed before the model's first word."""

    max_tokens: int = Field(default=12_000, ge=500, le=128_000)
    """How long one reply may become."""

    deadline_s: float = Field(default=120, gt=0, le=3000)
    """How long a plan may take in all, with every retry."""


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
