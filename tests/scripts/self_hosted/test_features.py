"""Features that need a provider: on or off, by the settings."""

import pytest

from scripts.self_hosted.features import Features, find_features
from shared.errors import FeatureNotConfigured
from shared.planner.settings import ModelSettings
from shared.purchases.apple_settings import AppleSettings
from shared.purchases.revenuecat import RevenueCatSettings
from shared.purchases.web import WebSettings
from shared.web.features import Feature

KEY = "SECRET-key"


def features(
    *,
    model: ModelSettings | None = None,
    web: str | None = None,
    entitlements: RevenueCatSettings | None = None,
    apple: AppleSettings | None = None,
    google: bool = False,
) -> Features:
    """Return the features of a server with only these settings."""
    return find_features(
        model or ModelSettings(),
        WebSettings(auth_key=web),
        entitlements or RevenueCatSettings(),
        apple or AppleSettings(),
        has_google_account=google,
    )


def test_plans_are_off_without_a_language_model() -> None:
    found = features(web=KEY)
    assert found.plans.off_because == "no language model is configured"
    assert found.on == []
    assert found.off == [
        "AI plans (no language model is configured: set OPENAI_API_KEY or OPENAI_BASE_URL)"
    ]


def test_plans_are_off_if_no_subscriber_can_sign_in() -> None:
    found = features(model=ModelSettings(api_key=KEY))
    assert found.plans.off_because == "no subscriber can sign in"
    assert found.off == ["AI plans (no subscriber can sign in: set for example WEB_AUTH_KEY)"]


@pytest.mark.parametrize(
    "model",
    [ModelSettings(api_key=KEY), ModelSettings(base_url="http://localhost:11434/v1")],
    ids=["key", "server at home"],
)
def test_plans_are_on_with_model_and_key_of_the_web_app(model: ModelSettings) -> None:
    found = features(model=model, web=KEY)
    assert found.plans.is_on
    assert found.on == ["AI plans", "Web subscribers"]
    assert "Google subscribers (set GOOGLE_APPLICATION_CREDENTIALS)" in found.off
    assert not any(KEY in text for text in [*found.on, *found.off])


def revenuecat(
    api_key: str | None = KEY, project: str = "p", entitlement: str = "entl"
) -> RevenueCatSettings:
    """Return complete settings of RevenueCat, except for the given values."""
    return RevenueCatSettings(api_key=api_key, project=project, entitlement=entitlement)


@pytest.mark.parametrize(
    ("found", "accepted"),
    [
        (features(web=KEY), {"Web"}),
        (features(google=True), {"Google"}),
        (features(entitlements=revenuecat()), {"RevenueCat"}),
        (features(entitlements=revenuecat(project="")), set()),
        (features(entitlements=revenuecat(entitlement="")), set()),
        (features(entitlements=revenuecat(api_key=None)), set()),
        (features(apple=AppleSettings(shared_secret=KEY)), {"Apple"}),
        (features(apple=AppleSettings(private_key=KEY)), {"Apple"}),
        (features(apple=AppleSettings(issuer_id="i", key_id="k")), set()),
        (features(), set()),
    ],
)
def test_provider_with_credentials_is_accepted(found: Features, accepted: set[str]) -> None:
    assert found.accepted_providers == accepted


def test_routes_of_plans_are_off_without_a_model() -> None:
    refusal = features().of_routes.refusal([Feature.AI_PLANNER])
    assert isinstance(refusal, FeatureNotConfigured)
