"""Alice and Bob create their identities, and delete them."""

from scripts.client.api import Api
from scripts.client.journey.steps import Steps, expect
from scripts.client.person import Person

_UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


async def meet(steps: Steps, api: Api) -> tuple[Person, Person]:
    """Create both users. Each finds the other."""
    alice = await steps.take("Alice creates an identity", Person.create(api))
    bob = await steps.take("Bob creates an identity", Person.create(api))
    await steps.take("Alice publishes her encrypted profile", alice.publish_profile("Alice"))
    await steps.take("Bob publishes his profile", bob.publish_profile("Bob"))
    by_id = await steps.take("Bob finds Alice by her id", api.profile(alice.id))
    by_lookup = await steps.take("Bob finds Alice by her lookup", api.profile(alice.lookup))
    expect(by_id == by_lookup, "id and lookup return different users")
    expect(
        by_id.rsa_public_key == alice.keys.public_key_der, "the public key of Alice is different"
    )
    many = await steps.take(
        "Bob reads both users in one request",
        api.call("POST", "/users", {"ids": [alice.id, bob.id]}),
    )
    expect(set(many["users"]) == {alice.id, bob.id}, "a user is missing")
    return alice, bob


async def leave(steps: Steps, api: Api, alice: Person, bob: Person) -> None:
    """Delete both users. Nothing of Alice may remain."""
    await steps.take_refused("A wrong password is rejected", 401, alice.delete("no"))
    await steps.take_refused("An unknown user is not found", 404, api.profile(_UNKNOWN_ID))
    await steps.take("Alice deletes her identity", alice.delete())
    for name, request in {
        "Her profile is not found": api.profile(alice.id),
        "Her profile is not found by her lookup": api.profile(alice.lookup),
        "Alice cannot be deleted again": alice.delete(),
    }.items():
        await steps.take_refused(name, 404, request)
    await steps.take("Bob deletes his identity", bob.delete())
