"""Settings of logs, traces and metrics."""

from typing import Literal

from pydantic import Field, HttpUrl, ValidationInfo, field_validator

from shared.settings import Settings


class TelemetrySettings(Settings):
    """The format of log lines, and the export of traces and metrics."""

    project: str | None = Field(default=None, validation_alias="GOOGLE_CLOUD_PROJECT")
    """The Google Cloud project of Firestore and Secret Manager; by default that of the credentials.

    References to secrets need it, and so do the trace ids in log lines.
    """

    service: str | None = Field(default=None, validation_alias="K_SERVICE")
    """The name of the function or service in its log lines; the platform sets it."""

    revision: str | None = Field(default=None, validation_alias="K_REVISION")
    """The name of the revision in its log lines; the platform sets it."""

    log_format: Literal["json", "text"] = Field(default="json", validation_alias="LOG_FORMAT")
    """The format of log lines: `json` for Cloud Logging, or `text` as in `./scripts/dev`."""

    export: Literal["off", "google", "otlp"] = Field(
        default="off", validation_alias="TELEMETRY_EXPORT"
    )
    """The destination of traces and metrics: `off`, `google` (Cloud) or `otlp` (a collector)."""

    region: str | None = Field(
        default=None, validation_alias="TELEMETRY_REGION", validate_default=True
    )
    """The region of the process, for example `us-central1`; required for `google`."""

    otlp_endpoint: HttpUrl = Field(
        default=HttpUrl("http://localhost:4318"), validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT"
    )
    """The base URL of the collector for `otlp`."""

    @field_validator("region")
    @classmethod
    def _require_region_for_google(cls, region: str | None, others: ValidationInfo) -> str | None:
        if others.data.get("export") == "google" and not region:
            raise ValueError("must be set when TELEMETRY_EXPORT is google")
        return region
