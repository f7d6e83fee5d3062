"""The features of a server: which are switched on, and which are configured.

Source: contract, heading "Features".
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from typing import Self

from pydantic import Field

from shared.errors import (
    BackupsNotConfigured,
    FeatureDisabled,
    FeatureNotConfigured,
    LiftLogError,
)
from shared.schemas.features import FeaturesResponse
from shared.settings import Settings


class Feature(Enum):
    """A feature for which users choose a server in the app."""

    FEED = "the feed"
    SHARING = "sharing"
    AI_PLANNER = "the AI planner"
    BACKUP = "backups"


class FeatureSettings(Settings):
    """The switches of the features, and whether the server has the settings that they need."""

    feed: bool = Field(default=True, validation_alias="FEED_ENABLED")
    """Whether the feed is on: events, followers and inboxes."""

    sharing: bool = Field(default=True, validation_alias="SHARING_ENABLED")
    """Whether plans can be shared by links."""

    ai_planner: bool = Field(default=True, validation_alias="AI_PLANNER_ENABLED")
    """Whether AI plans and the coach are on."""

    backup: bool = Field(default=True, validation_alias="BACKUP_ENABLED")
    """Whether backups are on."""

    has_ai_planner: bool = Field(default=True, validation_alias="AI_PLANNER_CONFIGURED")
    """Whether `ai` and `chat` have a language model. Terraform sets it for all functions."""

    has_backup: bool = Field(default=True, validation_alias="BACKUP_CONFIGURED")
    """Whether `backup` has a place for backups. Terraform sets it for all functions."""


@dataclass(frozen=True)
class Features:
    """The features of a server; by default it offers all of them."""

    disabled: frozenset[Feature] = frozenset()
    """The features that the operator has switched off."""

    not_configured: frozenset[Feature] = frozenset()
    """The features that lack a setting."""

    @classmethod
    def of(cls, settings: FeatureSettings) -> Self:
        """Return the features that the settings describe."""
        enabled = {
            Feature.FEED: settings.feed,
            Feature.SHARING: settings.sharing,
            Feature.AI_PLANNER: settings.ai_planner,
            Feature.BACKUP: settings.backup,
        }
        configured = {
            Feature.AI_PLANNER: settings.has_ai_planner,
            Feature.BACKUP: settings.has_backup,
        }
        return cls(
            frozenset(each for each, is_on in enabled.items() if not is_on),
            frozenset(each for each, is_on in configured.items() if not is_on),
        )

    def offers(self, feature: Feature) -> bool:
        """Whether users can use the feature."""
        return feature not in self.disabled and feature not in self.not_configured

    def refusal(self, features: Collection[Feature]) -> LiftLogError | None:
        """Return the error of a route that serves `features`; None if one of them is offered."""
        if not features or any(self.offers(each) for each in features):
            return None
        names = " and ".join(each.value for each in features)
        # A feature that is switched off needs no settings, so this error comes first.
        if self.disabled.issuperset(features):
            return FeatureDisabled(f"switched off on this server: {names}")
        error = BackupsNotConfigured if Feature.BACKUP in features else FeatureNotConfigured
        return error(f"not configured on this server: {names}")

    def describe(self) -> FeaturesResponse:
        """Return the answer of `/features`."""
        return FeaturesResponse(
            feed=self.offers(Feature.FEED),
            sharing=self.offers(Feature.SHARING),
            ai_planner=self.offers(Feature.AI_PLANNER),
            backup=self.offers(Feature.BACKUP),
        )
