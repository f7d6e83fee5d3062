"""The deployed function with its own database. Pub/Sub pushes its messages."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from scripts.benchmarks.sample_documents import SampleDocuments
from tests.engines import parametrize_by_engine
from tests.functions.cleanup.service import Service
from tests.functions.test_general import assert_problem

pytest_generate_tests = parametrize_by_engine

MESSAGE = {"message": {"messageId": "17", "publishTime": "2026-01-01T00:00:00.5Z"}}


async def fill(service: Service, count: int) -> SampleDocuments:
    documents = SampleDocuments(service.database, datetime.now(UTC))
    async for _ in documents.write_expiring(count):
        pass
    return documents


async def test_message_deletes_expired_documents_only(service: Service) -> None:
    documents = await fill(service, 100)
    run = await service.run()
    assert run.deleted == dict.fromkeys(
        ("events", "inbox", "shared_items", "verifications", "rate_limits"), 10
    )
    assert (run.unfinished, run.failed) == ((), ())
    assert await documents.remaining() == documents.kept
    assert await service.statuses(1) == [200]


async def test_concurrent_deliveries_are_one_run(service: Service) -> None:
    service.copies = 2
    documents = await fill(service, 400)
    run_id = (await service.run()).id
    assert await service.statuses(2) == [200, 200]
    [run] = await service.runs.newest(2)
    assert run.id == run_id
    assert run.deleted.total() == 200
    assert await documents.remaining() == documents.kept


async def test_concurrent_runs_delete_each_document_once(service: Service) -> None:
    documents = await fill(service, 400)
    runs = await asyncio.gather(service.run(), service.run())
    assert await service.statuses(2) == [200, 200]
    assert sum(run.deleted.total() for run in runs) == 200
    assert await documents.remaining() == documents.kept


async def test_message_of_an_ended_run_deletes_nothing(
    service: Service, http: httpx.AsyncClient
) -> None:
    response = await http.post(service.address, json=MESSAGE)
    assert (response.status_code, response.content) == (200, b"")
    documents = await fill(service, 10)
    before = await documents.remaining()
    second = await http.post(service.address, json=MESSAGE)
    assert (second.status_code, second.content) == (200, b"")
    [run] = await service.runs.newest(2)
    assert (run.id, run.deleted) == ("20260101T000000-17", {})
    assert await documents.remaining() == before


async def test_message_with_a_part_belongs_to_its_run(
    service: Service, http: httpx.AsyncClient
) -> None:
    """The previous release publishes such messages. They may arrive after a release."""
    attributes = {"run": "a", "part": "2"}
    message = {"message": {**MESSAGE["message"], "attributes": attributes}}
    assert (await http.post(service.address, json=message)).status_code == 200
    [run] = await service.runs.newest(2)
    assert run.id == "a"


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
    ],
    ids=[
        "no message", "a list", "without envelope",
        "a path as id", "a reserved id", "an invalid time",
        "a path as run",
    ],
)  # fmt: skip
async def test_invalid_message_is_rejected(
    http: httpx.AsyncClient, service: Service, body: Any
) -> None:
    response = await http.post(service.address, json=body)
    assert_problem(response, 400)
    assert await service.runs.newest(1) == []


async def test_body_that_is_not_json_is_rejected(http: httpx.AsyncClient, service: Service) -> None:
    response = await http.post(service.address, content=b"{")
    assert_problem(response, 400)
