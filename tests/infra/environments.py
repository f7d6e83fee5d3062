"""The environments, as Terraform creates them from `infra/` and their variables."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from scripts.local.ports import SERVICES
from scripts.root import ROOT
from tests.infra.configuration import Body, parse
from tests.infra.state import State, Values
from tests.infra.terraform import Workspace

INFRA = ROOT / "infra"
ENVIRONMENTS = ("dev", "staging", "prod")
FULL = "prod with everything"
"""Production with every optional variable set, and with a restored database."""

REPOSITORY = "liftlog/backend"
REPOSITORY_ID = "123456789"
WORKFLOW = ".github/workflows/release.yml"
IMAGE = "us-central1-docker.pkg.dev/liftlog/images/chat@sha256:" + 64 * "0"
PROJECT_NUMBER = "123456789012"
KMS_KEY = "projects/keys/locations/us-central1/keyRings/liftlog/cryptoKeys/backups"
FIRESTORE_LOCATION = "nam5"
"""Differs from the region of the services, so that tests can distinguish them."""

TRAFFIC_SPLIT = {
    "users": 5,
    "events": 10,
    "social": 20,
    "sharing": 40,
    "ai": 80,
    "chat": 100,
    "backup": 60,
}
"""The traffic split in use. All percentages differ, so that tests can distinguish services."""

_OPTIONAL_VARIABLES = {
    "repository": {
        "connection": "projects/liftlog-prod/repositories/R",
        "name": REPOSITORY,
        "id": REPOSITORY_ID,
        "workflow": WORKFLOW,
    },
    "serving_database": "restored",
    "backups_kms_key": KMS_KEY,
    "firestore_location": FIRESTORE_LOCATION,
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


@dataclass(frozen=True)
class Environment:
    """An applied environment."""

    name: str
    state: State
    next_plan: str
    """The output of a plan directly after the apply."""

    @property
    def variables(self) -> Body:
        """The values in the environment's file."""
        return parse(_variables_file(self.name))


def _variables_file(environment: str) -> Path:
    return INFRA / ("prod.tfvars" if environment == FULL else f"{environment}.tfvars")


def workspace(
    place: Path,
    environment: str,
    *,
    image: str = IMAGE,
    traffic_split: Mapping[str, int] = TRAFFIC_SPLIT,
) -> Workspace:
    """Return an initialized copy of `infra/`, with packages beside it."""
    place.mkdir(parents=True, exist_ok=True)
    _write_packages(place)
    variables = [f"-var-file={_variables_file(environment).name}", f"-var=chat_image={image}"]
    if environment == FULL:
        optional = place / "optional.tfvars.json"
        optional.write_text(json.dumps(_OPTIONAL_VARIABLES))
        variables.append(f"-var-file={optional}")
    provider_values = {
        "google_project": {"number": PROJECT_NUMBER},
        "google_storage_bucket_object_content": {"content": json.dumps(traffic_split)},
    }
    created = Workspace(place, INFRA, variables, provider_values)
    created.initialize()
    return created


def _write_packages(place: Path) -> None:
    """Write the files of `./scripts/package`, with dummy archives."""
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


def apply(name: str, place: Path) -> Values:
    """Plan an environment, apply it, and plan again; return the state and the last plan."""
    module = workspace(place, name)
    module.plan()
    return {"state": module.apply(), "next_plan": module.plan()}
