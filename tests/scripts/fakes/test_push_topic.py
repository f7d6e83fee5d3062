"""The fake of a topic with a push subscription."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from scripts.fakes.push_topic import PushTopic
from scripts.local.ports import url
from scripts.local.pubsub import push_topic
from scripts.local.stack import free_ports
from tests.emulators import emulators
from tests.loopback import served, until

TOPIC = "projects/p/topics/topic"
MESSAGE = {"attributes": {"run": "1"}}


class Receiver:
    """Receives pushes. Returns `statuses` in turn, and the last one again and again."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = [*statuses]
        self.pushed: list[dict[str, Any]] = []
        self.in_flight = self.max_in_flight = 0

    def app(self) -> Router:
        return Router([Route("/", self._receive, methods=["POST"])])

    async def _receive(self, request: Request) -> Response:
        self.in_flight += 1
        self.max_in_flight = max(self.in_flight, self.max_in_flight)
        self.pushed.append(await request.json())
        await asyncio.sleep(0)
        self.in_flight -= 1
        return Response(
            status_code=self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        )


class Pauses:
    """Records the pauses between attempts, without waiting."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@contextmanager
def topic(push_to: str, sleep: Callable[[float], Awaitable[None]]) -> Iterator[str]:
    """Serve a topic; yield the URL of `publish`."""
    with served(PushTopic(TOPIC, push_to, sleep).app()) as address:
        yield f"{address}/v1/{TOPIC}:publish"


def publish(to: str, *messages: dict[str, Any]) -> Sequence[str]:
    response = httpx.post(to, json={"messages": messages}, timeout=60)
    assert response.status_code == 200
    ids: list[str] = response.json()["messageIds"]
    return ids


@pytest.mark.firestore
async def test_message_is_pushed_as_by_the_emulator() -> None:
    fake, emulator = Receiver(200), Receiver(200)
    host, project = emulators().pubsub, f"push-{uuid4()}"
    with served(fake.app()) as to_fake, served(emulator.app()) as to_emulator:
        push_topic(host, project, "topic", f"{to_emulator}/")
        publish(f"http://{host}/v1/projects/{project}/topics/topic:publish", MESSAGE)
        with topic(f"{to_fake}/", Pauses()) as publish_to:
            [message_id] = publish(publish_to, MESSAGE)
            await until(lambda: bool(fake.pushed and emulator.pushed))
    [ours], [theirs] = fake.pushed, emulator.pushed
    assert ours["subscription"] == "projects/p/subscriptions/topic"
    assert ours["message"]["messageId"] == message_id
    assert ours.keys() == theirs.keys()
    assert ours["message"].keys() == theirs["message"].keys()
    assert ours["message"]["attributes"] == theirs["message"]["attributes"] == MESSAGE["attributes"]
    for pushed in (ours, theirs):
        assert pushed["message"]["publishTime"] == pushed["message"]["publish_time"]
        assert pushed["message"]["publishTime"].endswith("Z")


async def test_failed_push_is_repeated_until_accepted() -> None:
    receiver, pauses = Receiver(500, 503, 204), Pauses()
    with served(receiver.app()) as push_to, topic(f"{push_to}/", pauses) as publish_to:
        publish(publish_to, MESSAGE)
        await until(lambda: len(receiver.pushed) == 3)
        publish(publish_to, MESSAGE)  # the fourth push: the first message was not sent again
        await until(lambda: len(receiver.pushed) == 4)
    first, second, third, other = receiver.pushed
    assert first == second == third != other
    assert pauses.seconds == [1, 2]


async def test_message_is_dropped_after_20_attempts(caplog: pytest.LogCaptureFixture) -> None:
    pauses = Pauses()
    with (
        caplog.at_level(logging.WARNING),
        topic(f"{url(free_ports().base)}/", pauses) as publish_to,
    ):
        publish(publish_to, MESSAGE)
        await until(lambda: "dropped after 20 attempts" in caplog.text)
    assert pauses.seconds == [1, 2, 4, 8, 16, 32, *[60] * 13]


async def test_messages_are_pushed_one_at_a_time() -> None:
    receiver = Receiver(200)
    with served(receiver.app()) as push_to, topic(f"{push_to}/", Pauses()) as publish_to:
        ids = publish(publish_to, *[MESSAGE] * 20)
        await until(lambda: len(receiver.pushed) == 20)
    assert {pushed["message"]["messageId"] for pushed in receiver.pushed} == {*ids}
    assert receiver.max_in_flight == 1


async def test_failed_message_does_not_delay_others() -> None:
    receiver = Receiver(500, 200)

    async def sleep(_seconds: float) -> None:
        await asyncio.Event().wait()

    with served(receiver.app()) as push_to, topic(f"{push_to}/", sleep) as publish_to:
        failed, other = publish(publish_to, MESSAGE, MESSAGE)
        await until(lambda: len(receiver.pushed) == 2)
    assert [each["message"]["messageId"] for each in receiver.pushed] == [failed, other]


def test_more_than_100_waiting_messages_are_rejected() -> None:
    receiver = Receiver(500)

    async def sleep(_seconds: float) -> None:
        await asyncio.Event().wait()

    with served(receiver.app()) as push_to, topic(f"{push_to}/", sleep) as publish_to:
        publish(publish_to, *[MESSAGE] * 100)
        rejected = httpx.post(publish_to, json={"messages": [MESSAGE]}, timeout=60)
    assert rejected.status_code == 429
    assert rejected.json()["error"]["status"] == "RESOURCE_EXHAUSTED"
