"""The start of a service in its own process, once in a test run."""

from dataclasses import asdict
from functools import cache

from scripts.reference.start import Start
from scripts.reference.start import start as start_now
from tests.once import once


@cache
def start(service: str) -> Start:
    """Start a service and return its settings and modules."""
    return Start(**once(f"start-{service}", lambda _path: asdict(start_now(service))))
