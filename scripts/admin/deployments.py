"""Deployments of the product: in a Google Cloud project, or on this machine."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import httpx
from dotenv import load_dotenv
from google.api_core.retry import Retry
from google.auth.credentials import AnonymousCredentials
from google.cloud.pubsub_v1 import PublisherClient
from google.cloud.scheduler_v1 import CloudSchedulerClient
from google.cloud.scheduler_v1.services.cloud_scheduler.transports import (
    CloudSchedulerRestTransport,
)

from scripts.fakes.scheduler import JOB, LOCATION
from scripts.local import services
from scripts.local.ports import HOST, Ports, url
from scripts.local.storage import PUBSUB_HOST, VARIABLES
from scripts.root import ROOT
from shared.store.database import Database
from shared.store.settings import DatabaseSettings

_TIMEOUT_S = 20


@dataclass(frozen=True)
class Deployment:
    """Clients of one deployment, and the name of the job that starts its cleanup."""

    scheduler: CloudSchedulerClient
    publish: Callable[[str, str], None]
    """Publishes a message to a topic. The message starts the run with an id."""

    database: Database
    job: str


def cloud_deployment(project: str, location: str) -> Deployment:
    """Connect to a project with the Application Default Credentials."""
    # The clients prefer a file or an emulator to the project if these are set.
    for variable in VARIABLES:
        os.environ.pop(variable, None)
    return Deployment(
        CloudSchedulerClient(),
        _publish_to_pubsub,
        Database(DatabaseSettings(project=project)),
        CloudSchedulerClient.job_path(project, location, JOB),
    )


def local_deployment(ports: Ports) -> Deployment:
    """Connect to `./scripts/dev`. Its fakes know the database of the stack.

    Raises:
        httpx.HTTPError: the fakes do not respond.
    """
    load_dotenv(ROOT / ".env")
    fakes = url(ports.fakes)
    response = httpx.get(f"{fakes}/storage", timeout=_TIMEOUT_S).raise_for_status()
    storage: dict[str, str] = response.json()
    for variable in VARIABLES:
        os.environ.pop(variable, None)
    os.environ.update(storage)
    scheduler = CloudSchedulerRestTransport(
        host=f"{HOST}:{ports.fakes}/scheduler",
        url_scheme="http",
        credentials=AnonymousCredentials(),
    )
    project = services.project()
    return Deployment(
        CloudSchedulerClient(transport=scheduler),
        _publish_to_pubsub if PUBSUB_HOST in storage else _publisher_of_fakes(fakes),
        Database(DatabaseSettings(project=project)),
        CloudSchedulerClient.job_path(project, LOCATION, JOB),
    )


def _publish_to_pubsub(topic: str, run_id: str) -> None:
    # The default retry of the library takes up to ten minutes.
    retry = Retry(timeout=_TIMEOUT_S)
    message = PublisherClient().publish(topic, b"", run=run_id, retry=retry, timeout=_TIMEOUT_S)
    message.result(timeout=_TIMEOUT_S)


def _publisher_of_fakes(fakes: str) -> Callable[[str, str], None]:
    def publish(topic: str, run_id: str) -> None:
        httpx.post(
            f"{fakes}/pubsub/v1/{topic}:publish",
            json={"messages": [{"attributes": {"run": run_id}}]},
            timeout=_TIMEOUT_S,
        ).raise_for_status()

    return publish
