"""What the stages of one release tell each other, in `build/release.json`."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scripts.release.changes import Change

_FILE = Path("build", "release.json")


@dataclass(frozen=True)
class Service:
    """A service, when the new revisions are there."""

    address: str
    url: str
    """Where its new revision answers; its usual address if there is none."""

    old: str | None
    """The revision with the traffic; None if the service is new."""

    new: str
    """Its newest revision; the same as the old one if it has not changed."""

    @property
    def is_candidate(self) -> bool:
        """Whether there is something to compare, and to return."""
        return self.old not in {None, self.new}


@dataclass(frozen=True)
class Release:
    """One release, as far as it has come; a stage sets what is None before it."""

    environment: str
    image: str | None = None
    """The chat's, by its digest."""

    changes: tuple[Change, ...] | None = None
    """What was planned."""

    held: tuple[str, ...] = ()
    """The services that are to change, and run already."""

    services: Mapping[str, Service] | None = None

    @property
    def candidates(self) -> dict[str, Service]:
        """The services that have an old and a new revision."""
        services = self.services or {}
        return {name: service for name, service in services.items() if service.is_candidate}

    def save(self, root: Path) -> None:
        """Write it for the next stage."""
        path = root / _FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{json.dumps(asdict(self), indent=2)}\n")


def load(root: Path) -> Release | None:
    """Read the release that was begun last; None if there is none."""
    path = root / _FILE
    if not path.exists():
        return None
    content: dict[str, Any] = json.loads(path.read_text())
    changes, services = content["changes"], content["services"]
    return Release(
        content["environment"],
        content["image"],
        None if changes is None else tuple(Change(**change) for change in changes),
        tuple(content["held"]),
        None if services is None else {name: Service(**each) for name, each in services.items()},
    )
