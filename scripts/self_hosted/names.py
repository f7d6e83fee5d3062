"""The names of files that commands write."""

from datetime import datetime
from pathlib import Path

from scripts.self_hosted.errors import CannotServeError


def dated(name: str, at: datetime) -> str:
    """Return the name of a database file with a time in it, for example of a copy."""
    return f"{name}-{at:%Y-%m-%dT%H-%M-%SZ}.db"


def require_parent(path: Path) -> None:
    """Raise CannotServeError unless the folder of `path` exists."""
    if not path.parent.is_dir():
        raise CannotServeError(f"the folder {path.parent} does not exist; create it first")
