"""`./scripts/journey`: two users, Alice and Bob, use each feature of the feed."""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx
from rich.console import Console

from scripts.client import crypto
from scripts.client.api import FUNCTION_OF, Api, RefusedError
from scripts.client.person import Follows, Message, Person

Result = TypeVar("Result")

_DEFAULT = "http://127.0.0.1:5264"
_FUNCTIONS = tuple(dict.fromkeys(FUNCTION_OF.values()))
_FOR_SUBSCRIBERS = "ai"
_SESSION_REQUEST = {
    "attributes": {
        "areasToWorkout": ["back"],
        "volume": 0,
        "exerciseToKilograms": {"Barbell Row": 40},
        "useImperialUnits": False,
    }
}

console = Console(highlight=False, soft_wrap=True)


class UnexpectedResultError(Exception):
    """The server returned an unexpected result. The message names it."""


def expect(condition: object, otherwise: str) -> None:
    """Raise UnexpectedResultError unless `condition` holds."""
    if not condition:
        raise UnexpectedResultError(otherwise)


class Journey:
    """The steps of the journey. Prints each step when it is done."""

    def __init__(self, api: Api, purchase_token: str | None) -> None:
        self._api = api
        self._purchase_token = purchase_token
        self.steps = 0

    async def run(self) -> None:
        """Run all steps.

        Raises:
            UnexpectedResultError, RefusedError, ForgedError: a step failed.
        """
        alice, bob = await self._meet()
        follows = await self._follow(alice, bob)
        await self._read(alice, bob, follows)
        await self._share(alice, bob)
        if self._purchase_token is not None:
            await self._subscribe(self._purchase_token)
        await self._leave(alice, bob, follows)

    async def _meet(self) -> tuple[Person, Person]:
        alice = await self._step("Alice creates an identity", Person.create(self._api))
        bob = await self._step("Bob creates an identity", Person.create(self._api))
        await self._step("Alice publishes her encrypted profile", alice.publish_profile("Alice"))
        await self._step("Bob publishes his profile", bob.publish_profile("Bob"))
        by_id = await self._step("Bob finds Alice by her id", self._api.profile(alice.id))
        by_lookup = await self._step(
            "Bob finds Alice by her lookup", self._api.profile(alice.lookup)
        )
        expect(by_id == by_lookup, "id and lookup return different users")
        expect(
            by_id.rsa_public_key == alice.keys.public_key_der,
            "the public key of Alice is different",
        )
        many = await self._step(
            "Bob reads both users in one request",
            self._api.call("POST", "/users", {"ids": [alice.id, bob.id]}),
        )
        expect(set(many["users"]) == {alice.id, bob.id}, "a user is missing")
        return alice, bob

    async def _follow(self, alice: Person, bob: Person) -> Follows:
        profile = await self._api.profile(alice.id)
        await self._step(
            "Bob asks to follow Alice, through her inbox",
            bob.send(profile, {"kind": "follow request", "name": "Bob"}),
        )
        request = await self._step(
            "Alice decrypts the request and verifies Bob's signature",
            self._only(alice.take_messages),
        )
        expect(request.sender.id == bob.id, "Bob is not the sender of the request")
        expect(not await alice.take_messages(), "the inbox returned the request twice")
        secret = await self._step(
            "Alice accepts: she creates a follow secret", alice.allow_follower()
        )
        answer = {"kind": "accepted", "secret": secret, "key": alice.aes_key.hex()}
        await self._step(
            "Alice sends the follow secret to Bob's inbox", alice.send(request.sender, answer)
        )
        accepted = await self._step(
            "Bob decrypts and verifies the follow secret", self._only(bob.take_messages)
        )
        return Follows(
            accepted.sender.id,
            accepted.content["secret"],
            bytes.fromhex(accepted.content["key"]),
            accepted.sender.rsa_public_key,
        )

    async def _read(self, alice: Person, bob: Person, follows: Follows) -> None:
        name = (await self._api.profile(alice.id)).encrypted_name
        if name is None:
            raise UnexpectedResultError("the name of Alice is missing")
        known_as = crypto.unseal(name, follows.aes_key, follows.rsa_public_key)
        expect(known_as == b"Alice", "the decrypted name of Alice is wrong")
        first = await self._step("Alice publishes a workout", alice.publish(b"squats"))
        second = await self._step("Alice publishes a second workout", alice.publish(b"bench press"))
        workouts, invalid = await self._step(
            "Bob reads, decrypts and verifies both workouts", bob.fetch(follows)
        )
        expect([w.content for w in workouts] == [b"squats", b"bench press"], "they differ")
        expect(
            [w.event_id for w in workouts] == [first, second],
            "the ids of the workouts are different",
        )
        expect(not invalid, "a valid follow secret was reported as invalid")
        newest = workouts[-1].timestamp
        later, _ = await self._step(
            "Bob reads since the first workout: one workout",
            bob.fetch(follows, workouts[0].timestamp),
        )
        expect([w.event_id for w in later] == [second], "`since` does not filter")
        nothing, _ = await self._step(
            "Bob reads since the second workout: no workout", bob.fetch(follows, newest)
        )
        expect(not nothing, "`since` is not strictly after")
        await self._step("Alice corrects the first workout", alice.publish(b"deadlifts", first))
        corrected, _ = await self._step(
            "Bob reads the corrected workout", bob.fetch(follows, newest)
        )
        expect([w.content for w in corrected] == [b"deadlifts"], "the corrected workout is missing")

    async def _share(self, alice: Person, bob: Person) -> None:
        key = crypto.new_aes_key()
        item = await self._step("Alice shares a plan behind a link", alice.share_plan(b"5x5", key))
        plan = await self._step("Bob opens and verifies the plan", bob.open_plan(item, key))
        expect(plan == b"5x5", "the plan is different")
        self._item = item

    async def _subscribe(self, purchase_token: str) -> None:
        wish = ("POST", "/ai/session", _SESSION_REQUEST)
        session = await self._step(
            "Alice, a subscriber, requests a workout session", self._api.call(*wish, purchase_token)
        )
        expect(session["exercises"], "the session has no exercises")
        await self._step(
            "Bob, not a subscriber, is rejected (401)", self._refused(401, self._api.call(*wish))
        )

    async def _leave(self, alice: Person, bob: Person, follows: Follows) -> None:
        await self._step("Alice revokes Bob's follow secret", alice.revoke(follows.follow_secret))
        workouts, invalid = await self._step(
            "Bob reads: invalid follow secret, no workouts", bob.fetch(follows)
        )
        expect(invalid == [follows.follow_secret], "the revoked follow secret is still valid")
        expect(not workouts, "the revoked follow secret still returns workouts")
        await self._step(
            "A wrong password is rejected (401)", self._refused(401, alice.delete("no"))
        )
        unknown_id = "00000000-0000-4000-8000-000000000000"
        await self._step(
            "An unknown user is not found (404)", self._refused(404, self._api.profile(unknown_id))
        )
        await self._step("Alice deletes her identity", alice.delete())
        # Each request must fail with 404: nothing of the user may remain.
        for step, request in {
            "Her profile is not found (404)": self._api.profile(alice.id),
            "Her profile is not found by her lookup (404)": self._api.profile(alice.lookup),
            "Her shared plan is not found (404)": self._api.call(
                "GET", f"/shareditem/{self._item}"
            ),
            "Her inbox is not found (404)": alice.take_messages(),
            "Alice cannot publish (404)": alice.publish(b"rows"),
            "Alice cannot be deleted again (404)": alice.delete(),
        }.items():
            await self._step(step, self._refused(404, request))
        await self._step("Bob deletes his identity", bob.delete())

    async def _step(self, name: str, request: Awaitable[Result]) -> Result:
        start = time.perf_counter()
        try:
            result = await request
        # BaseException: the line also shows the step that Ctrl-C interrupted.
        except BaseException:
            console.print(f"[red]✗[/] {name}")
            raise
        self.steps += 1
        console.print(f"[green]✓[/] {name} [dim]{(time.perf_counter() - start) * 1000:.0f} ms[/]")
        return result

    async def _only(self, take: Callable[[], Awaitable[list[Message]]]) -> Message:
        messages = await take()
        expect(len(messages) == 1, f"{len(messages)} messages instead of one")
        return messages[0]

    async def _refused(self, status: int, request: Awaitable[object]) -> None:
        try:
            await request
        except RefusedError as refusal:
            expect(refusal.status == status, f"status {refusal.status} instead of {status}")
        else:
            raise UnexpectedResultError(f"the server accepted it instead of status {status}")


async def _run(addresses: dict[str, str], purchase_token: str | None) -> int:
    # Servers close idle connections after two seconds or more. Close them earlier here.
    async with httpx.AsyncClient(limits=httpx.Limits(keepalive_expiry=1)) as http:
        journey = Journey(Api(addresses, http), purchase_token)
        try:
            await journey.run()
        except (UnexpectedResultError, RefusedError, crypto.ForgedError) as error:
            console.print(f"[bold red]The journey failed:[/] {type(error).__name__} {error}")
            return 1
        except httpx.TransportError as error:
            console.print(f"[bold red]No response:[/] {error}; is ./scripts/dev running?")
            return 1
    console.print(f"[bold green]All {journey.steps} steps passed.[/]")
    return 0


def _addresses(given: list[str], *, for_subscribers: bool) -> dict[str, str]:
    """Parse `URL` or `FUNCTION=URL ...`.

    Raises:
        ValueError: the text has another form. The message names the problem.
    """
    addresses: dict[str, str] = {}
    for address in given or [_DEFAULT]:
        name, _, url = address.rpartition("=")
        if name and name not in _FUNCTIONS:
            raise ValueError(f"unknown function {name}")
        if name in addresses:
            raise ValueError(f"two URLs for {name or 'all functions'}")
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"{url} does not begin with http:// or https://")
        addresses[name] = url.rstrip("/")
    needed = [name for name in _FUNCTIONS if for_subscribers or name != _FOR_SUBSCRIBERS]
    missing = [] if "" in addresses else [name for name in needed if name not in addresses]
    if missing:
        raise ValueError(f"no URL for {', '.join(missing)}")
    return addresses


def main() -> int:
    """Run the journey against the URLs of the command line and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="./scripts/journey",
        description="Run the journey of two users, Alice and Bob, against a server.",
    )
    parser.add_argument(
        "address",
        nargs="*",
        help=f"the server's URL (default: {_DEFAULT}), "
        f"or one per function: {' '.join(f'{name}=URL' for name in _FUNCTIONS)}",
    )
    parser.add_argument(
        "--purchase-token",
        metavar="TOKEN",
        default=os.environ.get("PURCHASE_TOKEN") or None,
        help="'<Store> <token>' of a subscriber, for the AI step. Default: the variable "
        "PURCHASE_TOKEN, which the list of processes does not show",
    )
    options = parser.parse_args()
    token = options.purchase_token
    try:
        addresses = _addresses(options.address, for_subscribers=token is not None)
    except ValueError as error:
        parser.error(str(error))
    return asyncio.run(_run(addresses, token))


if __name__ == "__main__":
    sys.exit(main())
