"""Deployments of the product: in a Google Cloud project, or on this machine."""

import os
from dataclasses import dataclass

from dotenv import load_dotenv
from google.auth.credentials import AnonymousCredentials
from google.cloud.pubsub_v1 import PublisherClient
from google.cloud.scheduler_v1 import CloudSchedulerClient
from google.cloud.scheduler_v1.services.cloud_scheduler.transports import (
    CloudSchedulerRestTransport,
)

from scripts.fakes.scheduler import JOB, LOCATION
from scripts.local import services
from scripts.local.ports import HOST, Ports
from scripts.root import ROOT
from shared.store.database import Database
from shared.store.settings import DatabaseSettings


@dataclass(frozen=True)
class Deployment:
    """Clients of one deployment, and the name of the job that starts its cleanup."""

    scheduler: CloudSchedulerClient
    publisher: PublisherClient
    database: Database
    job: str


def cloud_deployment(project: str, location: str) -> Deployment:
    """Connect to a project with the Application Default Credentials."""
    # The clients prefer an emulator to the project if these are set.
    for variable in ("PUBSUB_EMULATOR_HOST", "FIRESTORE_EMULATOR_HOST"):
        os.environ.pop(variable, None)
    return Deployment(
        CloudSchedulerClient(),
        PublisherClient(),
        Database(DatabaseSettings(project=project, emulator_host=None)),
        CloudSchedulerClient.job_path(project, location, JOB),
    )


def local_deployment(ports: Ports) -> Deployment:
    """Connect to `./scripts/dev`, or to the emulators that the environment names."""
    # Like ./scripts/dev, which may use other emulators.
    load_dotenv(ROOT / ".env")
    own = services.Emulators.of(ports)
    firestore = os.environ.get("FIRESTORE_EMULATOR_HOST") or own.firestore
    # The Pub/Sub client reads the address of an emulator from the environment only.
    os.environ["PUBSUB_EMULATOR_HOST"] = os.environ.get("PUBSUB_EMULATOR_HOST") or own.pubsub
    fake = f"{HOST}:{ports.fakes}/scheduler"
    scheduler = CloudSchedulerRestTransport(
        host=fake, url_scheme="http", credentials=AnonymousCredentials()
    )
    project = services.project()
    return Deployment(
        CloudSchedulerClient(transport=scheduler),
        PublisherClient(),
        Database(DatabaseSettings(project=project, emulator_host=firestore)),
        CloudSchedulerClient.job_path(project, LOCATION, JOB),
    )
