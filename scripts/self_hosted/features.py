"""The features that need a provider, and whether this server offers them."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace

from shared.planner.settings import ModelSettings
from shared.purchases.apple_settings import AppleSettings
from shared.purchases.revenuecat import RevenueCatSettings
from shared.purchases.web import WEB, WebSettings
from shared.web import features
from shared.web.features import FeatureSettings

AI_PLANS = "AI plans"


@dataclass(frozen=True)
class Feature:
    """A feature of this server.

    `off_because` is None if the feature is on. `remedy` names the settings that switch it on.
    """

    name: str
    off_because: str | None = None
    remedy: str = ""

    @property
    def is_on(self) -> bool:
        """Whether the server offers the feature."""
        return self.off_because is None


@dataclass(frozen=True)
class Features:
    """The features that need a provider."""

    plans: Feature
    """Plans, sessions and the coach: the services `ai` and `chat`."""

    subscribers: tuple[Feature, ...]
    """The purchase providers, by their names in the contract."""

    @property
    def of_routes(self) -> features.Features:
        """The features, as the routes check them."""
        switched = features.Features.of(FeatureSettings())
        if self.plans.is_on:
            return switched
        return replace(
            switched, not_configured=switched.not_configured | {features.Feature.AI_PLANNER}
        )

    @property
    def on(self) -> list[str]:
        """The descriptions of all features that are on."""
        if not self.plans.is_on:
            return []
        return [self.plans.name, *(_of(each) for each in self.subscribers if each.is_on)]

    @property
    def off(self) -> list[str]:
        """The descriptions of all features that are off, with the settings to change."""
        plans = self.plans
        if not plans.is_on:
            return [f"{plans.name} ({plans.off_because}: set {plans.remedy})"]
        return [f"{_of(each)} (set {each.remedy})" for each in self.subscribers if not each.is_on]

    @property
    def accepted_providers(self) -> frozenset[str]:
        """The names of the purchase providers whose tokens are accepted."""
        return frozenset(each.name for each in self.subscribers if each.is_on)


def find_features(
    model: ModelSettings,
    web: WebSettings,
    revenuecat: RevenueCatSettings,
    apple: AppleSettings,
    *,
    has_google_account: bool,
) -> Features:
    """Return the features that these settings switch on.

    A purchase provider without credentials is off. Without that rule, each purchaser of the app
    could use the operator's language model, because Apple's signatures need no credentials.
    """
    has_revenuecat = revenuecat.api_key and revenuecat.project and revenuecat.entitlement
    subscribers = (
        _subscribers(WEB, "WEB_AUTH_KEY", is_on=web.auth_key is not None),
        _subscribers(
            "RevenueCat",
            "REVENUECAT_API_KEY, REVENUECAT_PROJECT and REVENUECAT_ENTITLEMENT",
            is_on=bool(has_revenuecat),
        ),
        _subscribers(
            "Apple",
            "APPLE_SHARED_SECRET or APPLE_PRIVATE_KEY",
            is_on=bool(apple.shared_secret or apple.private_key),
        ),
        _subscribers("Google", "GOOGLE_APPLICATION_CREDENTIALS", is_on=has_google_account),
    )
    return Features(_plans(model, subscribers), subscribers)


def configured_features() -> Features:
    """Return the features that the environment switches on."""
    return find_features(
        ModelSettings(),
        WebSettings(),
        RevenueCatSettings(),
        AppleSettings(),
        has_google_account=bool(os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")),
    )


def _of(provider: Feature) -> str:
    return f"{provider.name} subscribers"


def _subscribers(provider: str, remedy: str, *, is_on: bool) -> Feature:
    return Feature(provider) if is_on else Feature(provider, "not configured", remedy)


def _plans(model: ModelSettings, subscribers: Iterable[Feature]) -> Feature:
    # Any value of OPENAI_BASE_URL counts, because the default needs a key.
    if model.api_key is None and "base_url" not in model.model_fields_set:
        return Feature(
            AI_PLANS, "no language model is configured", "OPENAI_API_KEY or OPENAI_BASE_URL"
        )
    if not any(each.is_on for each in subscribers):
        return Feature(AI_PLANS, "no subscriber can sign in", "for example WEB_AUTH_KEY")
    return Feature(AI_PLANS)
