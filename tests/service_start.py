"""The start of a service in a separate process, once in a test run."""

from dataclasses import asdict
from functools import cache

from scripts.reference.start import Start
from scripts.reference.start import start as start_now
from tests.shared_results import shared_result


@cache
def start(service: str) -> Start:
    """Start a service and return its settings and modules."""
    return Start(**shared_result(f"start-{service}", lambda _path: asdict(start_now(service))))
