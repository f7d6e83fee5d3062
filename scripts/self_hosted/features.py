"""The features of this server: which it offers, and which settings would switch on the others."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from scripts.self_hosted.sign_in import NO_USER, SignIn, find_sign_in
from shared.backups.settings import BackupSettings
from shared.planner.settings import ModelSettings
from shared.web import features
from shared.web.features import FeatureSettings

AI_PLANS = "AI plans"
BACKUPS = "backups"


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

    def __str__(self) -> str:
        return self.name if self.is_on else f"{self.name} ({self.off_because}: set {self.remedy})"


@dataclass(frozen=True)
class Features:
    """The features of this server."""

    shared: tuple[Feature, ...]
    """The features that need no provider, by default on."""

    plans: Feature
    """Plans, sessions and the coach: the services `ai` and `chat`."""

    backups: Feature
    """The users' backups."""

    sign_in: SignIn
    """The ways to sign in for plans and backups."""

    switched: features.Features
    """The features that the operator has switched off."""

    @property
    def of_routes(self) -> features.Features:
        """The features, as the routes check them."""
        of_routes = {
            features.Feature.AI_PLANNER: self.plans,
            features.Feature.BACKUP: self.backups,
        }
        unusable = {name for name, feature in of_routes.items() if not feature.is_on}
        # A feature that is switched off does not need to be configured.
        not_configured = self.switched.not_configured | unusable - self.switched.disabled
        return replace(self.switched, not_configured=not_configured)

    @property
    def on(self) -> list[str]:
        """The descriptions of all features that are on."""
        return [*(str(each) for each in self._all() if each.is_on), *self._ways(is_on=True)]

    @property
    def off(self) -> list[str]:
        """The descriptions of all features that are off, with the settings to change."""
        return [*(str(each) for each in self._all() if not each.is_on), *self._ways(is_on=False)]

    @property
    def accepted_providers(self) -> frozenset[str]:
        """The names of the purchase providers whose tokens are accepted."""
        return frozenset(each.provider for each in self.sign_in.subscribers if each.is_on)

    def _all(self) -> Iterator[Feature]:
        yield from self.shared
        yield self.plans
        yield self.backups

    def _ways(self, *, is_on: bool) -> Iterator[str]:
        """Yield the ways to sign in that are on or off, if a feature needs them."""
        ways = self.sign_in.subscribers if self.plans.is_on else ()
        if self.plans.is_on or self.backups.is_on:
            ways = (*self.sign_in.users, *ways)
        for way in ways:
            if way.is_on == is_on:
                yield way.name if is_on else f"{way.name} (set {way.remedy})"


@dataclass(frozen=True)
class Configuration:
    """The settings that decide about features; by default those of the environment."""

    sign_in: SignIn = field(default_factory=find_sign_in)
    model: ModelSettings = field(default_factory=ModelSettings)
    backups: BackupSettings = field(default_factory=BackupSettings)
    switches: FeatureSettings = field(default_factory=FeatureSettings)


def find_features(settings: Configuration) -> Features:
    """Return the features that these settings switch on."""
    switches = settings.switches
    has_accounts = switches.feed or switches.sharing
    shared = (
        _switched("accounts", "FEED_ENABLED=True or SHARING_ENABLED=True", is_on=has_accounts),
        _switched("feed", "FEED_ENABLED=True", is_on=switches.feed),
        _switched("followers", "FEED_ENABLED=True", is_on=switches.feed),
        _switched("shared plans", "SHARING_ENABLED=True", is_on=switches.sharing),
    )
    return Features(
        shared,
        _plans(settings),
        _backups(settings),
        settings.sign_in,
        features.Features.of(switches),
    )


def configured_features() -> Features:
    """Return the features that the environment switches on."""
    has_google_account = bool(os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"))
    return find_features(Configuration(find_sign_in(has_google_account=has_google_account)))


def _switched(name: str, remedy: str, *, is_on: bool) -> Feature:
    return Feature(name) if is_on else Feature(name, "switched off", remedy)


def _plans(settings: Configuration) -> Feature:
    if not settings.switches.ai_planner:
        return _switched(AI_PLANS, "AI_PLANNER_ENABLED=True", is_on=False)
    model = settings.model
    # Any value of OPENAI_BASE_URL counts, because the default needs a key.
    if model.api_key is None and "base_url" not in model.model_fields_set:
        return Feature(
            AI_PLANS, "no language model is configured", "OPENAI_API_KEY or OPENAI_BASE_URL"
        )
    if not settings.sign_in.has_any:
        return Feature(AI_PLANS, NO_USER, "for example API_KEYS")
    return Feature(AI_PLANS)


def _backups(settings: Configuration) -> Feature:
    if not settings.switches.backup:
        return _switched(BACKUPS, "BACKUP_ENABLED=True", is_on=False)
    if settings.backups.folder is None and settings.backups.bucket is None:
        return Feature(BACKUPS, "they have no place", "BACKUP_FOLDER")
    if not settings.sign_in.has_users:
        return Feature(BACKUPS, NO_USER, "API_KEYS, or FORWARD_AUTH_HEADER")
    return Feature(BACKUPS)
