"""State of a release between its stages, in `build/release.json`."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

# In Cloud Build each stage is a process, and only files in the workspace pass between them.
_FILE = Path("build", "release.json")


@dataclass(frozen=True)
class Service:
    """A service after `apply`."""

    address: str
    url: str
    """Address of the new revision; the usual address without a new revision."""

    old: str | None
    """The revision with all traffic; None for a service that this release creates."""

    new: str
    """The revision to release; equal to `old` if the service did not change."""

    @property
    def is_candidate(self) -> bool:
        """Whether a new revision waits for its canary."""
        return self.old not in {None, self.new}


@dataclass(frozen=True)
class Release:
    """A release; fields are None until their stage has run."""

    environment: str
    image: str | None = None
    """The image of the chat, with its digest; from `image`."""

    has_changes: bool | None = None
    """Whether the plan changes any resource; from `plan`."""

    serving: Mapping[str, str] = field(default_factory=dict)
    """The revision with all traffic, for services that get a new revision; from `plan`."""

    services: Mapping[str, Service] | None = None
    """All services; from `apply`."""

    @property
    def candidates(self) -> dict[str, Service]:
        """The services with an old and a new revision."""
        services = self.services or {}
        return {name: service for name, service in services.items() if service.is_candidate}

    def save(self, root: Path) -> None:
        """Write the state for the next stage."""
        path = root / _FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{json.dumps(asdict(self), indent=2)}\n")


def load(root: Path) -> Release | None:
    """Read the state; None if no release has started."""
    path = root / _FILE
    if not path.exists():
        return None
    content = json.loads(path.read_text())
    services = content.pop("services")
    found = None if services is None else {name: Service(**each) for name, each in services.items()}
    return Release(**content, services=found)
