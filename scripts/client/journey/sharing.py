"""Alice shares a plan by a link."""

from scripts.client import crypto
from scripts.client.api import Api
from scripts.client.journey.steps import Steps, expect
from scripts.client.person import Person


async def share(steps: Steps, alice: Person, bob: Person) -> str:
    """Share a plan. Return the id of its link."""
    key = crypto.new_aes_key()
    item = await steps.take("Alice shares a plan behind a link", alice.share_plan(b"5x5", key))
    plan = await steps.take("Bob opens and verifies the plan", bob.open_plan(item, key))
    expect(plan == b"5x5", "the plan is different")
    return item


async def assert_gone(steps: Steps, api: Api, item: str) -> None:
    """Check that the plan of the deleted Alice is gone."""
    await steps.take_refused(
        "Her shared plan is not found", 404, api.call("GET", f"/shareditem/{item}")
    )
