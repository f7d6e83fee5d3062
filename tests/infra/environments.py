"""The environments, as Terraform makes them of `infra/` and their variables."""

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from scripts.local.ports import SERVICES
from scripts.root import ROOT
from tests.infra.made import Made
from tests.infra.terraform import Workspace

INFRA = ROOT / "infra"
ENVIRONMENTS = ("dev", "staging", "prod")
FULL = "prod with everything"
"""Production as it may become: with whatever its file leaves out, and a database restored."""

REPOSITORY = "liftlog/backend"
REPOSITORY_ID = "123456789"
WORKFLOW = ".github/workflows/release.yml"
IMAGE = "us-central1-docker.pkg.dev/liftlog/images/chat@sha256:" + 64 * "0"
PROJECT_NUMBER = "123456789012"
LOCATION = "nam5"
"""Where the documents may lie, though the services run elsewhere."""

SHARES = {"users": 5, "events": 10, "social": 20, "sharing": 40, "ai": 80, "chat": 100}
"""The shares of traffic that are in force; no two are the same."""

_EVERYTHING = {
    "repository": {
        "connection": "projects/liftlog-prod/repositories/R",
        "name": REPOSITORY,
        "id": REPOSITORY_ID,
        "workflow": WORKFLOW,
    },
    "serving_database": "restored",
    "firestore_location": LOCATION,
    "settings": {
        "all": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.example:4318",
            "RATE_LIMIT_DATABASE": "counts",
            "REVENUECAT_ENTITLEMENT": "entl1",
            "REVENUECAT_PROJECT": "proj1",
            "TELEMETRY_EXPORT": "google",
        },
        "ai": {"APPLE_ISSUER_ID": "issuer", "APPLE_KEY_ID": "key"},
        "chat": {"APPLE_ISSUER_ID": "issuer", "APPLE_KEY_ID": "key"},
    },
}
_ANSWERS = {
    "google_project": {"number": PROJECT_NUMBER},
    "google_storage_bucket_object_content": {"content": json.dumps(SHARES)},
}


@dataclass(frozen=True)
class Environment:
    """What has become of an environment."""

    name: str
    made: Made
    next_plan: str
    """What Terraform would do next, if nothing has happened since."""


def workspace(place: Path, environment: str, *, image: str = IMAGE) -> Workspace:
    """Return a copy of `infra/` with packages beside it, ready for commands."""
    place.mkdir(parents=True, exist_ok=True)
    _write_packages(place)
    base = "prod" if environment == FULL else environment
    variables = [f"-var-file={base}.tfvars", f"-var=chat_image={image}"]
    if environment == FULL:
        everything = place / "everything.tfvars.json"
        everything.write_text(json.dumps(_EVERYTHING))
        variables.append(f"-var-file={everything}")
    made = Workspace(place, INFRA, variables, _ANSWERS)
    made.initialize()
    return made


def _write_packages(place: Path) -> None:
    """Write what `./scripts/package` writes, with nothing in the archives."""
    folder = place / "build" / "packages"
    folder.mkdir(parents=True)
    packages = {}
    for service in SERVICES:
        content = service.encode()
        digest = sha256(content).hexdigest()
        archive = folder / f"{service}-{digest[:16]}{'.tar' if service == 'chat' else '.zip'}"
        archive.write_bytes(content)
        packages[service] = {"archive": str(archive.relative_to(place)), "sha256": digest}
    (folder.parent / "packages.json").write_text(json.dumps(packages))


def make(name: str, place: Path) -> dict[str, Any]:
    """Plan an environment, apply it, and plan again; return the state and the last plan."""
    module = workspace(place, name)
    module.plan()
    return {"state": module.apply(), "next_plan": module.plan()}
