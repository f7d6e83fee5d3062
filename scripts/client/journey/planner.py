"""The AI planner: a session for apps of 2025, a conversation for apps of 2026."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from scripts.client.api import Api
from scripts.client.coach import Coach, DisconnectedError, InvocationFailedError
from scripts.client.journey.steps import Steps, UnexpectedResultError, expect

_LOCALE = "en-AU"
_NEGOTIATION = "/ai-chat-v2/negotiate?negotiateVersion=1"
_SESSION_REQUEST = {
    "attributes": {
        "areasToWorkout": ["back"],
        "volume": 0,
        "exerciseToKilograms": {"Barbell Row": 40},
        "useImperialUnits": False,
    }
}


async def request_session(steps: Steps, api: Api, purchase_token: str) -> None:
    """Request a workout session, as apps of 2025."""
    wish = ("POST", "/ai/session", _SESSION_REQUEST)
    session = await steps.take(
        "Alice, a subscriber, requests a workout session", api.call(*wish, purchase_token)
    )
    expect(session["exercises"], "the session has no exercises")
    await steps.take_refused("Bob, not a subscriber, is rejected", 401, api.call(*wish))


async def converse(steps: Steps, api: Api, headers: Mapping[str, str]) -> None:
    """Hold a conversation over `/ai-chat-v2`, as apps of 2026.

    Args:
        steps: prints the steps.
        api: the server.
        headers: the headers with Alice's credentials.
    """
    await steps.take_refused(
        "Bob, without credentials, cannot negotiate a conversation",
        401,
        api.with_headers({}).send("POST", _NEGOTIATION),
    )
    received: list[dict[str, Any]] = []
    coach = Coach(api.address_of("chat"), None, received.append, headers=headers)
    await steps.take("Alice connects to the coach", _connected(coach))
    try:
        await steps.take("The coach introduces itself", _ended(coach.introduce(_LOCALE)))
        expect(received and received[-1].get("message"), "the coach wrote no text")
        wish = coach.send("Make me a plan for 2 days")
        await steps.take("Alice asks for a plan, and sees the reply", _ended(wish))
        expect(len(received) > 1, "the coach did not reply")
    finally:
        await asyncio.to_thread(coach.__exit__)


async def _connected(coach: Coach) -> None:
    try:
        await asyncio.to_thread(coach.__enter__)
    except DisconnectedError:
        raise UnexpectedResultError("the server rejected the WebSocket") from None
    # The library raises the HTTPError of urllib, which is an OSError.
    except OSError as error:
        raise UnexpectedResultError(f"no negotiation: {error}") from None


async def _ended(reply: "Future[None]") -> None:
    try:
        await asyncio.wrap_future(reply)
    except (InvocationFailedError, DisconnectedError) as error:
        raise UnexpectedResultError(f"the reply failed: {error}") from None
