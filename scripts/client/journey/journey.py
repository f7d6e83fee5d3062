"""The whole journey."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from scripts.client.api import Api
from scripts.client.backend import Era
from scripts.client.journey import backups, followers, planner, sharing, users
from scripts.client.journey.feed import Feed
from scripts.client.journey.steps import Steps, UnexpectedResultError, expect
from scripts.client.person import Follows, Person

FEATURES = ("feed", "sharing", "aiPlanner", "backup")
"""The names in the response to `GET /features`."""

_OF_2025 = dict.fromkeys(FEATURES, True) | {"backup": False}


class Journey:
    """The steps of Alice and Bob.

    Args:
        api: the server. Its era and its headers are those of the apps.
        purchase_token: `<Store> <token>` of a subscriber, for the planner.
        console: receives a line per step.
    """

    def __init__(self, api: Api, purchase_token: str | None, console: Console) -> None:
        self._api = api
        self._purchase_token = purchase_token
        self._steps = Steps(console)

    @property
    def steps(self) -> int:
        """The number of steps that passed."""
        return self._steps.count

    async def run(self) -> None:
        """Run all steps. Steps of features that the server does not offer are skipped.

        Raises:
            UnexpectedResultError, RefusedError, ForgedError: a step failed.
        """
        features = await self._features()
        for name in FEATURES:
            if not features[name] and self._api.era is Era.OF_2026:
                self._steps.skip(name, "`/features` has false for it")
        has_users = features["feed"] or features["sharing"]
        meeting = await self._meet(features) if has_users else None
        if features["aiPlanner"]:
            await self._plan()
        if features["backup"]:
            await self._back_up()
        if meeting is not None:
            await self._leave(meeting)

    async def _features(self) -> Mapping[str, bool]:
        if self._api.era is Era.OF_2025:
            return _OF_2025
        features: Any = await self._steps.take(
            "The app asks for the features of the server", self._api.call("GET", "/features")
        )
        if not isinstance(features, dict):
            raise UnexpectedResultError("`/features` is not a JSON object")
        for name in FEATURES:
            expect(isinstance(features.get(name), bool), f"{name} is not true or false")
        return features

    async def _plan(self) -> None:
        api, token = self._api, self._purchase_token
        if api.era is Era.OF_2025:
            if token is not None:
                await planner.request_session(self._steps, api, token)
            return
        headers = dict(api.headers)
        # The app sends the token to its own backend, and the user's headers to an added one.
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if not headers:
            self._steps.skip("aiPlanner", "there is no --api-key, --header or --purchase-token")
        elif not api.has_address_of("chat"):
            self._steps.skip("aiPlanner", "there is no URL for chat")
        else:
            await planner.converse(self._steps, api, headers)

    async def _back_up(self) -> None:
        if not self._api.headers:
            self._steps.skip("backup", "there is no --api-key or --header")
        elif not self._api.has_address_of("backup"):
            self._steps.skip("backup", "there is no URL for backup")
        else:
            await backups.back_up(self._steps, self._api)

    async def _meet(self, features: Mapping[str, bool]) -> "_Meeting":
        steps, api = self._steps, self._api
        alice, bob = await users.meet(steps, api)
        follows, item = None, None
        if features["feed"]:
            follows = await followers.follow(steps, api, alice, bob)
            await Feed(steps, api, alice, bob).read(follows)
        if features["sharing"]:
            item = await sharing.share(steps, alice, bob)
        return _Meeting(alice, bob, follows, item)

    async def _leave(self, meeting: "_Meeting") -> None:
        steps, alice, bob = self._steps, meeting.alice, meeting.bob
        if meeting.follows is not None:
            await followers.revoke(steps, alice, bob, meeting.follows)
        await users.leave(steps, self._api, alice, bob)
        if meeting.item is not None:
            await sharing.assert_gone(steps, self._api, meeting.item)
        if meeting.follows is not None:
            await followers.assert_gone(steps, alice)


@dataclass(frozen=True)
class _Meeting:
    """Both users, and what connects them."""

    alice: Person
    bob: Person
    follows: Follows | None
    item: str | None
    """The id of the shared plan."""
