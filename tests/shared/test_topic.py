"""Publishing to Pub/Sub, on its emulator."""

import asyncio
import time
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from scripts.local.ports import HOST
from scripts.local.stack import free_ports
from shared.errors import DependencyUnavailable
from shared.settings import TopicSettings
from shared.topic import Topic
from tests import stack

PROJECT = f"topic-{uuid4()}"


@pytest.fixture
def pubsub() -> Iterator[httpx.Client]:
    """The emulator's API, for a topic `cleanup` with a subscription of that name."""
    address = f"http://{HOST}:{stack.current().pubsub}/v1/projects/{PROJECT}"
    with httpx.Client(base_url=address) as http:
        http.put("/topics/cleanup", json={}).raise_for_status()
        subscription = {"topic": f"projects/{PROJECT}/topics/cleanup"}
        http.put("/subscriptions/cleanup", json=subscription).raise_for_status()
        yield http
        http.delete("/subscriptions/cleanup").raise_for_status()
        http.delete("/topics/cleanup").raise_for_status()


async def test_a_message_arrives_with_its_attributes(pubsub: httpx.Client) -> None:
    topic = Topic(TopicSettings(project=PROJECT))
    await topic.publish({"run": "r", "part": "2"})
    await topic.publish({"run": "r", "part": "3"})
    pull = "/subscriptions/cleanup:pull"
    pulled = (await asyncio.to_thread(pubsub.post, pull, json={"maxMessages": 10})).json()
    attributes = [each["message"]["attributes"] for each in pulled["receivedMessages"]]
    assert attributes == [{"run": "r", "part": "2"}, {"run": "r", "part": "3"}]


async def test_a_topic_that_is_not_there_is_an_outage(pubsub: httpx.Client) -> None:
    with pytest.raises(DependencyUnavailable, match="Pub/Sub"):
        await Topic(TopicSettings(project=PROJECT, name="another")).publish({"run": "r"})


async def test_while_pubsub_is_down_it_gives_up_in_time() -> None:
    nowhere = f"{HOST}:{free_ports().pubsub}"
    begun = time.monotonic()
    with pytest.raises(DependencyUnavailable, match="Pub/Sub"):
        await Topic(TopicSettings(project=PROJECT, emulator_host=nowhere)).publish({"run": "r"})
    assert time.monotonic() - begun < 20
