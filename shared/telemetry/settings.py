"""Settings of logs, traces and metrics."""

from typing import Literal

from pydantic import Field, HttpUrl, ValidationInfo, field_validator

from shared.settings import Settings


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
