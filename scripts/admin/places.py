"""Where the product runs: in a project on Google Cloud, or on this machine."""

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
class Place:
    """The clients of one place, and the name of the job that starts the cleanup there."""

    scheduler: CloudSchedulerClient
    publisher: PublisherClient
    database: Database
    job: str


def on_google_cloud(project: str, location: str) -> Place:
    """Return a project; who we are there is as Application Default Credentials say."""
    for variable in ("PUBSUB_EMULATOR_HOST", "FIRESTORE_EMULATOR_HOST"):
        os.environ.pop(variable, None)
    return Place(
        CloudSchedulerClient(),
        PublisherClient(),
        Database(DatabaseSettings(project=project, emulator_host=None)),
        CloudSchedulerClient.job_path(project, location, JOB),
    )


def on_this_machine(ports: Ports) -> Place:
    """Return what `./scripts/dev` runs, which uses emulators that the environment names, too."""
    load_dotenv(ROOT / ".env")
    own = services.Emulators.of(ports)
    firestore = os.environ.get("FIRESTORE_EMULATOR_HOST") or own.firestore
    # How its client is told.
    os.environ["PUBSUB_EMULATOR_HOST"] = os.environ.get("PUBSUB_EMULATOR_HOST") or own.pubsub
    fake = f"{HOST}:{ports.fakes}/scheduler"
    scheduler = CloudSchedulerRestTransport(
        host=fake, url_scheme="http", credentials=AnonymousCredentials()
    )
    project = services.project()
    return Place(
        CloudSchedulerClient(transport=scheduler),
        PublisherClient(),
        Database(DatabaseSettings(project=project, emulator_host=firestore)),
        CloudSchedulerClient.job_path(project, LOCATION, JOB),
    )
