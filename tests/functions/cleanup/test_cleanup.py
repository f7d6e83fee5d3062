"""The cleanup as it is deployed: started by pushes of Pub/Sub, on a database of its own."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from scripts.benchmarks.clutter import Clutter
from tests.functions.cleanup.service import Service
from tests.functions.test_general import assert_problem
from tests.loopback import until

MESSAGE = {"message": {"messageId": "17", "publishTime": "2026-01-01T00:00:00.5Z"}}


async def cluttered(service: Service, count: int) -> Clutter:
    clutter = Clutter(service.database, datetime.now(UTC))
    async for _ in clutter.scatter(count):
        pass
    return clutter


async def test_exactly_what_has_expired_goes_in_several_parts(service: Service) -> None:
    clutter = await cluttered(service, 6000)
    run = await service.run()
    assert run.parts_over > 1
    assert sum(run.deleted.values()) == 3000
    assert run.deleted.keys() == {
        "events", "inbox", "shared_items", "verifications", "rate_limits",
    }  # fmt: skip
    assert await clutter.left() == clutter.kept
    assert set(service.delivered) == {200}
    assert len(service.delivered) == run.parts_over


async def test_every_message_delivered_twice_changes_nothing(service: Service) -> None:
    service.copies = 2
    clutter = await cluttered(service, 6000)
    run = await service.run()
    assert await clutter.left() == clutter.kept
    # Not twice as many with every part, as it would be if each delivery sent for the next one.
    await until(lambda: len(service.delivered) >= 2 * run.parts_over)
    assert service.delivered == [200] * (2 * run.parts_over)
    # The slower delivery of the last part has been noted by now, too.
    assert sum((await service.ended(run.id)).deleted.values()) == 3000


async def test_two_overlapping_runs_change_nothing(service: Service) -> None:
    clutter = await cluttered(service, 6000)
    runs = await asyncio.gather(service.run(), service.run())
    assert await clutter.left() == clutter.kept
    assert sum(sum(run.deleted.values()) for run in runs) == 3000


async def test_a_message_that_is_delivered_again_later_does_nothing(
    service: Service, http: httpx.AsyncClient
) -> None:
    for _ in range(2):
        answer = await http.post(service.address, json=MESSAGE)
        assert (answer.status_code, answer.content) == (200, b"")
    run = await service.runs.find("20260101T000000-17")
    assert run is not None
    assert run.parts_over == 1


async def test_a_run_that_was_killed_is_gone_on_with_when_its_message_comes_again(
    service: Service,
) -> None:
    clutter = await cluttered(service, 3000)
    run_id = f"test-{uuid4()}"
    await service.publish(run=run_id)
    await asyncio.sleep(0.2)
    service.kill()
    service.start()
    await service.ended(run_id)
    assert await clutter.left() == clutter.kept
    assert 503 in service.delivered


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        MESSAGE["message"],
        {"message": {**MESSAGE["message"], "messageId": "../../users/17"}},
        {"message": {**MESSAGE["message"], "messageId": "__17__"}},
        {"message": {**MESSAGE["message"], "publishTime": "yesterday"}},
        {"message": {**MESSAGE["message"], "attributes": {"run": "a/b"}}},
        {"message": {**MESSAGE["message"], "attributes": {"run": "a", "part": "0"}}},
        {"message": {**MESSAGE["message"], "attributes": {"run": "a", "part": "x"}}},
    ],
    ids=[
        "no message", "a list", "not in its envelope",
        "an id that is a path", "an id of Firestore's", "no time",
        "a run that is a path", "part 0", "part x",
    ],
)  # fmt: skip
async def test_what_is_no_message_of_its_topic_is_refused(
    http: httpx.AsyncClient, shared_service: Service, body: Any
) -> None:
    answer = await http.post(shared_service.address, json=body)
    assert_problem(answer, 400)
    assert await shared_service.runs.newest(1) == []


async def test_a_body_that_is_no_json_is_refused(
    http: httpx.AsyncClient, shared_service: Service
) -> None:
    answer = await http.post(shared_service.address, content=b"{")
    assert_problem(answer, 400)
