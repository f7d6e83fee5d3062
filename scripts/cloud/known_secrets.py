"""The secrets that the code refers to, and the services that read them."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from shared.auth.api_keys import ApiKeySettings
from shared.clients.settings import SecretSettings
from shared.planner.settings import ModelSettings
from shared.purchases.apple_settings import AppleSettings
from shared.purchases.revenuecat import RevenueCatSettings
from shared.purchases.web import WebSettings
from shared.settings import Settings

MAX_SECRET_AGE_S = float(SecretSettings.model_fields["refresh_s"].default)
"""Longest time until all instances use a new version. SECRET_REFRESH_S may change it."""

# Only these two verify purchases and call the model.
_SUBSCRIBER_SERVICES = ("ai", "chat")
# The key of backups in a folder is missing: no service on Google Cloud reads it.
_READ_BY: Mapping[type[Settings], tuple[str, ...]] = {
    ApiKeySettings: (*_SUBSCRIBER_SERVICES, "backup"),
    WebSettings: _SUBSCRIBER_SERVICES,
    AppleSettings: _SUBSCRIBER_SERVICES,
    RevenueCatSettings: _SUBSCRIBER_SERVICES,
    ModelSettings: _SUBSCRIBER_SERVICES,
}


@dataclass(frozen=True)
class KnownSecret:
    """One secret."""

    variable: str
    """Environment variable with the reference to the secret."""

    read_by: tuple[str, ...]

    @property
    def id(self) -> str:
        """Name in Secret Manager."""
        return self.variable.lower().replace("_", "-")


# Read from the settings classes, so that a new secret of a class needs no entry here.
KNOWN_SECRETS = tuple(
    KnownSecret(settings.variable(name), services)
    for settings, services in _READ_BY.items()
    for name, field in settings.model_fields.items()
    if field.annotation == (SecretStr | None)
)


def get_secret(name: str) -> KnownSecret:
    """Return the secret with this variable or id.

    Raises:
        ValueError: the name is unknown. The message omits it: it may be a value typed by mistake.
    """
    for secret in KNOWN_SECRETS:
        if name in {secret.variable, secret.id}:
            return secret
    known = ", ".join(secret.variable for secret in KNOWN_SECRETS)
    raise ValueError(f"NAME must be one of {known}")
