"""Bob reads the workouts of Alice, as apps of 2025 and as apps of 2026.

The two differ in `since`. Apps of 2025 send the newest timestamp of the server. Apps of 2026 send
the time of the author's own clock, which is inside the encrypted payload.
"""

from collections.abc import Awaitable, Iterable
from datetime import timedelta

from scripts.client import crypto
from scripts.client.api import Api
from scripts.client.backend import Era
from scripts.client.journey.steps import Steps, UnexpectedResultError, expect
from scripts.client.person import BEFORE_ALL_EVENTS, Follows, Person, Workout

_FAST = timedelta(minutes=10)
_SLOW = -_FAST


class Feed:
    """The feed of Alice, as Bob's app reads it."""

    def __init__(self, steps: Steps, api: Api, alice: Person, bob: Person) -> None:
        self._steps = steps
        self._api = api
        self._alice = alice
        self._bob = bob
        self._is_new = api.era is Era.OF_2026

    async def read(self, follows: Follows) -> None:
        """Publish, read, and correct workouts."""
        await self._read_name(follows)
        first = await self._steps.take("Alice publishes a workout", self._publish("squats"))
        second = await self._steps.take(
            "Alice publishes a second workout", self._publish("bench press")
        )
        workouts = await self._fetch(
            "Bob reads, decrypts and verifies both workouts", follows, BEFORE_ALL_EVENTS
        )
        expect(self._texts(workouts) == ["squats", "bench press"], "they differ")
        expect(_ids(workouts) == [first, second], "the ids of the workouts are different")
        newest = self._since(workouts[1])
        later = await self._fetch(
            "Bob reads since the first workout: one workout", follows, self._since(workouts[0])
        )
        expect(_ids(later) == [second], "`since` does not filter")
        nothing = await self._fetch(
            "Bob reads since the second workout: no workout", follows, newest
        )
        expect(not nothing, "`since` is not strictly after")
        await self._steps.take(
            "Alice corrects the first workout", self._publish("deadlifts", first)
        )
        corrected = await self._fetch("Bob reads the corrected workout", follows, newest)
        expect(self._texts(corrected) == ["deadlifts"], "the corrected workout is missing")
        # Apps of 2025 do not send the author's clock, so they cannot meet this case.
        if self._is_new:
            await self._read_with_wrong_clocks(follows, self._since(corrected[0]))

    async def _read_name(self, follows: Follows) -> None:
        name = (await self._api.profile(follows.user_id)).encrypted_name
        if name is None:
            raise UnexpectedResultError("the name of Alice is missing")
        known_as = crypto.unseal(name, follows.aes_key, follows.rsa_public_key)
        expect(known_as == b"Alice", "the decrypted name of Alice is wrong")

    async def _read_with_wrong_clocks(self, follows: Follows, newest: str) -> None:
        """Alice's clock is fast, then right, then slow. Bob's app sends it back each time."""
        for clock, ahead in (("fast", _FAST), ("right", timedelta()), ("slow", _SLOW)):
            event = await self._steps.take(
                f"Alice publishes a workout, with a {clock} clock",
                self._alice.publish_written(f"rows, {clock}", ahead=ahead),
            )
            read = await self._fetch("Bob reads exactly this workout", follows, newest)
            expect(_ids(read) == [event], "Bob reads other workouts")
            newest = self._since(read[0])

    def _publish(self, text: str, event_id: str | None = None) -> Awaitable[str]:
        if self._is_new:
            return self._alice.publish_written(text, event_id)
        return self._alice.publish(text.encode(), event_id)

    async def _fetch(self, name: str, follows: Follows, since: str) -> list[Workout]:
        workouts, invalid = await self._steps.take(name, self._bob.fetch(follows, since))
        expect(not invalid, "a valid follow secret was reported as invalid")
        return workouts

    def _texts(self, workouts: Iterable[Workout]) -> list[str]:
        return [w.written.text if self._is_new else w.content.decode() for w in workouts]

    def _since(self, workout: Workout) -> str:
        return workout.written.time if self._is_new else workout.timestamp


def _ids(workouts: Iterable[Workout]) -> list[str]:
    return [workout.event_id for workout in workouts]
