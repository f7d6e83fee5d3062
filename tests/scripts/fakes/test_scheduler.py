"""The fake of Cloud Scheduler, through the real client, and its clock."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from google.api_core.exceptions import NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud.scheduler_v1 import CloudSchedulerClient, Job
from google.cloud.scheduler_v1.services.cloud_scheduler.transports import (
    CloudSchedulerRestTransport,
)

from scripts.fakes import scheduler
from scripts.fakes.scheduler import Scheduler
from tests.loopback import served, until

TOPIC = "projects/p/topics/cleanup"


class Publisher:
    """Count publications, or fail."""

    def __init__(self) -> None:
        self.published = 0
        self.is_down = False

    async def __call__(self) -> None:
        """Publish."""
        if self.is_down:
            raise httpx.ConnectError("SECRET-address")
        self.published += 1


@pytest.fixture
def publisher() -> Publisher:
    return Publisher()


@pytest.fixture
def fake(publisher: Publisher) -> Scheduler:
    return Scheduler("p", TOPIC, publisher)


@pytest.fixture
def client(fake: Scheduler) -> Iterator[CloudSchedulerClient]:
    with served(fake.app()) as address:
        transport = CloudSchedulerRestTransport(
            host=address.removeprefix("http://"),
            url_scheme="http",
            credentials=AnonymousCredentials(),
        )
        yield CloudSchedulerClient(transport=transport)


def test_client_reads_the_job(client: CloudSchedulerClient, fake: Scheduler) -> None:
    job = client.get_job(name=fake.name)
    assert (job.schedule, job.time_zone, job.state) == ("0 * * * *", "Etc/UTC", Job.State.ENABLED)
    assert job.pubsub_target.topic_name == TOPIC
    assert timedelta() < job.schedule_time - datetime.now(UTC) <= timedelta(hours=1)
    assert not job.last_attempt_time


def test_run_publishes_and_sets_last_attempt(
    client: CloudSchedulerClient, fake: Scheduler, publisher: Publisher
) -> None:
    before = datetime.now(UTC)
    client.run_job(name=fake.name)
    assert publisher.published == 1
    assert client.get_job(name=fake.name).last_attempt_time >= before


def test_failed_run_sets_the_status(
    client: CloudSchedulerClient, fake: Scheduler, publisher: Publisher
) -> None:
    publisher.is_down = True
    client.run_job(name=fake.name)
    assert client.get_job(name=fake.name).status.code == 14
    publisher.is_down = False
    client.run_job(name=fake.name)
    assert client.get_job(name=fake.name).status.code == 0


def test_other_job_is_not_found(client: CloudSchedulerClient) -> None:
    with pytest.raises(NotFound):
        client.get_job(name="projects/p/locations/local/jobs/another")


async def test_hourly_run_publishes_unless_paused(
    fake: Scheduler, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = 0

    def next_hour(now: datetime) -> datetime:
        nonlocal hours
        hours += 1
        return now + timedelta(milliseconds=1)

    monkeypatch.setattr(scheduler, "_next_hour", next_hour)
    playing = asyncio.create_task(fake.run_hourly())
    await until(lambda: publisher.published > 2)
    fake.state = "PAUSED"
    paused_at = hours
    await until(lambda: hours > paused_at + 1)  # a started run has ended
    so_far = publisher.published
    await until(lambda: hours > paused_at + 10)
    assert publisher.published == so_far
    playing.cancel()


def test_next_hour_is_full_and_in_the_future() -> None:
    at = datetime(2026, 12, 31, 23, 0, tzinfo=UTC)
    next_hour = scheduler._next_hour(at)  # noqa: SLF001 - the subject of the test
    assert next_hour == datetime(2027, 1, 1, tzinfo=UTC)
