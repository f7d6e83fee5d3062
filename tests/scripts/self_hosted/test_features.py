"""Features that need a provider: on or off, by the settings."""

from pathlib import Path

import pytest

from scripts.self_hosted.features import Configuration, Features, find_features
from scripts.self_hosted.sign_in import Way, find_sign_in, find_users
from shared.auth.api_keys import ApiKeySettings
from shared.auth.forward_auth import ForwardAuthSettings
from shared.backups.settings import BackupSettings
from shared.errors import BackupsNotConfigured, FeatureDisabled, FeatureNotConfigured
from shared.planner.settings import ModelSettings
from shared.purchases.apple_settings import AppleSettings
from shared.purchases.revenuecat import RevenueCatSettings
from shared.purchases.web import WebSettings
from shared.web.features import Feature, FeatureSettings

KEY = "SECRET-key"
WITH_MODEL = ModelSettings(api_key=KEY)
PLACE = BackupSettings(folder=Path("backups"))
API_KEYS = find_users(ApiKeySettings(keys=f"alice={KEY}"), ForwardAuthSettings())
FORWARD_AUTH = find_users(
    ApiKeySettings(), ForwardAuthSettings(header="Remote-User", trusted_proxies="127.0.0.1")
)
NO_USERS = find_users(ApiKeySettings(), ForwardAuthSettings())
ON = ["accounts", "feed", "followers", "shared plans"]
BACKUPS_OFF = "backups (they have no place: set BACKUP_FOLDER)"


def features(  # noqa: PLR0913 - the settings of a server
    *,
    model: ModelSettings | None = None,
    users: tuple[Way, ...] = NO_USERS,
    web: str | None = None,
    entitlements: RevenueCatSettings | None = None,
    apple: AppleSettings | None = None,
    google: bool = False,
    backups: BackupSettings | None = None,
    switches: FeatureSettings | None = None,
) -> Features:
    """Return the features of a server with only these settings."""
    sign_in = find_sign_in(
        users=users,
        web=WebSettings(auth_key=web),
        revenuecat=entitlements or RevenueCatSettings(),
        apple=apple or AppleSettings(),
        has_google_account=google,
    )
    return find_features(
        Configuration(
            sign_in,
            model or ModelSettings(),
            backups or BackupSettings(),
            switches or FeatureSettings(),
        )
    )


def test_plans_are_off_without_a_language_model() -> None:
    found = features(web=KEY)
    assert found.plans.off_because == "no language model is configured"
    assert found.on == ON
    assert found.off == [
        "AI plans (no language model is configured: set OPENAI_API_KEY or OPENAI_BASE_URL)",
        BACKUPS_OFF,
    ]


def test_plans_are_off_if_no_user_can_sign_in() -> None:
    found = features(model=WITH_MODEL)
    assert found.plans.off_because == "no user can sign in"
    assert found.off == ["AI plans (no user can sign in: set for example API_KEYS)", BACKUPS_OFF]


@pytest.mark.parametrize(
    ("users", "name"),
    [(API_KEYS, "API keys"), (FORWARD_AUTH, "forward auth by Remote-User")],
    ids=["API keys", "forward auth"],
)
def test_named_users_switch_plans_and_backups_on(users: tuple[Way, ...], name: str) -> None:
    found = features(model=WITH_MODEL, users=users, backups=PLACE)
    assert found.on == [*ON, "AI plans", "backups", name]
    assert "Web subscribers (set WEB_AUTH_KEY)" in found.off
    assert found.accepted_providers == set()
    answer = found.of_routes.describe()
    assert (answer.ai_planner, answer.backup) == (True, True)


def test_purchases_do_not_switch_backups_on() -> None:
    found = features(model=WITH_MODEL, web=KEY, backups=PLACE)
    assert found.plans.is_on
    assert "backups (no user can sign in: set API_KEYS, or FORWARD_AUTH_HEADER)" in found.off
    assert isinstance(found.of_routes.refusal([Feature.BACKUP]), BackupsNotConfigured)


def test_ways_to_sign_in_are_named_only_for_features_that_are_on() -> None:
    assert features(users=API_KEYS).on == ON
    of_backups = features(users=API_KEYS, backups=PLACE)
    assert of_backups.on == [*ON, "backups", "API keys"]
    assert not any("subscribers" in text for text in of_backups.off)


def test_switched_off_features_are_named() -> None:
    switches = FeatureSettings(feed=False, ai_planner=False, backup=False)
    found = features(model=WITH_MODEL, users=API_KEYS, web=KEY, backups=PLACE, switches=switches)
    assert found.on == ["accounts", "shared plans"]
    assert found.off == [
        "feed (switched off: set FEED_ENABLED=True)",
        "followers (switched off: set FEED_ENABLED=True)",
        "AI plans (switched off: set AI_PLANNER_ENABLED=True)",
        "backups (switched off: set BACKUP_ENABLED=True)",
    ]
    for feature in (Feature.FEED, Feature.AI_PLANNER, Feature.BACKUP):
        assert isinstance(found.of_routes.refusal([feature]), FeatureDisabled)
    assert "accounts" not in features(switches=FeatureSettings(feed=False, sharing=False)).on


@pytest.mark.parametrize(
    "model",
    [ModelSettings(api_key=KEY), ModelSettings(base_url="http://localhost:11434/v1")],
    ids=["key", "server at home"],
)
def test_plans_are_on_with_model_and_key_of_the_web_app(model: ModelSettings) -> None:
    found = features(model=model, web=KEY)
    assert found.plans.is_on
    assert found.on == [*ON, "AI plans", "Web subscribers"]
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
