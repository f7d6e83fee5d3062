"""Settings of logs, traces and metrics."""

from typing import Literal

from pydantic import Field, HttpUrl, ValidationInfo, field_validator

from shared.settings import Settings


class TelemetrySettings(Settings):
    """Log format, destination of traces and metrics, and identity of the process."""

    project: str | None = Field(default=None, validation_alias="GOOGLE_CLOUD_PROJECT")
    service: str | None = Field(default=None, validation_alias="K_SERVICE")
    """Name of the function or service. The platform sets it, and the revision."""

    revision: str | None = Field(default=None, validation_alias="K_REVISION")
    log_format: Literal["json", "text"] = Field(default="json", validation_alias="LOG_FORMAT")
    """`json` for Cloud Logging, `text` for terminals."""

    export: Literal["off", "google", "otlp"] = Field(
        default="off", validation_alias="TELEMETRY_EXPORT"
    )
    """Destination of traces and metrics: none, Google Cloud, or an OTLP collector."""

    region: str | None = Field(
        default=None, validation_alias="TELEMETRY_REGION", validate_default=True
    )
    """Region of the process, `us-central1` for example. Google Cloud requires it for metrics."""

    otlp_endpoint: HttpUrl = Field(
        default=HttpUrl("http://localhost:4318"), validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT"
    )
    """Address of the OTLP collector."""

    @field_validator("region")
    @classmethod
    def _require_region_for_google(cls, region: str | None, others: ValidationInfo) -> str | None:
        if others.data.get("export") == "google" and not region:
            raise ValueError("must be set when TELEMETRY_EXPORT is google")
        return region
