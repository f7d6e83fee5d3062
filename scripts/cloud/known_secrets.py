"""The secrets that the code knows, and which services read them."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from shared.clients.settings import SecretSettings
from shared.planner.settings import ModelSettings
from shared.purchases.apple_settings import AppleSettings
from shared.purchases.revenuecat import RevenueCatSettings
from shared.purchases.web import WebSettings
from shared.settings import Settings

REFRESH_S = float(SecretSettings.model_fields["refresh_s"].default)
"""After how long at most a new version is in use everywhere; SECRET_REFRESH_S may change it."""

_FOR_SUBSCRIBERS = ("ai", "chat")
_READ_BY: Mapping[type[Settings], tuple[str, ...]] = {
    WebSettings: _FOR_SUBSCRIBERS,
    AppleSettings: _FOR_SUBSCRIBERS,
    RevenueCatSettings: _FOR_SUBSCRIBERS,
    ModelSettings: _FOR_SUBSCRIBERS,
}


@dataclass(frozen=True)
class KnownSecret:
    """One secret."""

    variable: str
    """The environment variable that refers to it."""

    read_by: tuple[str, ...]

    @property
    def id(self) -> str:
        """Its name in Secret Manager."""
        return self.variable.lower().replace("_", "-")


KNOWN = tuple(
    KnownSecret(settings.variable(name), services)
    for settings, services in _READ_BY.items()
    for name, field in settings.model_fields.items()
    if field.annotation == (SecretStr | None)
)


def find(name: str) -> KnownSecret:
    """Return the secret of a variable or an id.

    Raises:
        ValueError: there is none. Does not repeat `name`, which may be a value by mistake.
    """
    for secret in KNOWN:
        if name in {secret.variable, secret.id}:
            return secret
    raise ValueError(f"NAME is none of {', '.join(secret.variable for secret in KNOWN)}")
