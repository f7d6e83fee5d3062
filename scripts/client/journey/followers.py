"""Bob becomes a follower of Alice, and stops to be one."""

from collections.abc import Awaitable, Callable

from scripts.client.api import Api
from scripts.client.journey.steps import Steps, expect
from scripts.client.person import Follows, Message, Person


async def follow(steps: Steps, api: Api, alice: Person, bob: Person) -> Follows:
    """Let Bob follow Alice, through both inboxes."""
    profile = await api.profile(alice.id)
    await steps.take(
        "Bob asks to follow Alice, through her inbox",
        bob.send(profile, {"kind": "follow request", "name": "Bob"}),
    )
    request = await steps.take(
        "Alice decrypts the request and verifies Bob's signature", _only(alice.take_messages)
    )
    expect(request.sender.id == bob.id, "Bob is not the sender of the request")
    expect(not await alice.take_messages(), "the inbox returned the request twice")
    secret = await steps.take("Alice accepts: she creates a follow secret", alice.allow_follower())
    answer = {"kind": "accepted", "secret": secret, "key": alice.aes_key.hex()}
    await steps.take(
        "Alice sends the follow secret to Bob's inbox", alice.send(request.sender, answer)
    )
    accepted = await steps.take(
        "Bob decrypts and verifies the follow secret", _only(bob.take_messages)
    )
    return Follows(
        accepted.sender.id,
        accepted.content["secret"],
        bytes.fromhex(accepted.content["key"]),
        accepted.sender.rsa_public_key,
    )


async def revoke(steps: Steps, alice: Person, bob: Person, follows: Follows) -> None:
    """Revoke Bob's follow secret."""
    await steps.take("Alice revokes Bob's follow secret", alice.revoke(follows.follow_secret))
    workouts, invalid = await steps.take(
        "Bob reads: invalid follow secret, no workouts", bob.fetch(follows)
    )
    expect(invalid == [follows.follow_secret], "the revoked follow secret is still valid")
    expect(not workouts, "the revoked follow secret still returns workouts")


async def assert_gone(steps: Steps, alice: Person) -> None:
    """Check that inbox and feed of the deleted Alice are gone."""
    await steps.take_refused("Her inbox is not found", 404, alice.take_messages())
    await steps.take_refused("Alice cannot publish", 404, alice.publish(b"rows"))


async def _only(take: Callable[[], Awaitable[list[Message]]]) -> Message:
    messages = await take()
    expect(len(messages) == 1, f"{len(messages)} messages instead of one")
    return messages[0]
