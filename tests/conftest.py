"""What every test may ask for; the stack is started once, before the first of them."""

import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import hypothesis
import pytest

from scripts.client.api import Api
from scripts.client.person import Person
from scripts.local.stack import OWN_EMULATORS, Stack, addresses
from shared.settings import StoreSettings
from shared.store.client import Database
from shared.telemetry.logs import set_levels
from shared.web import entry
from tests import leaks, once, stack
from tests.front_door import FrontDoor

_ENVIRONMENT = {
    "COVERAGE_PROCESS_CONFIG": "",
    **OWN_EMULATORS,
    "LOG_FORMAT": "json",
    "STAND_IN_TOKENS_PER_S": "0",
}
# What happens when the store is slow is tested on a stack of its own; here it is the machine.
_PATIENCE = {
    "FIRESTORE_ATTEMPT_TIMEOUT_S": "20",
    "FIRESTORE_LONGEST_WAIT_S": "60",
    "FIRESTORE_RETRY_FOR_S": "20",
    "PASSWORD_LONGEST_WAIT_S": "60",
}

hypothesis.settings.register_profile(
    "any machine",
    database=None,
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("any machine")

# A worker that gets one of these last works on alone while the other has ended.
_SLOW = (
    "tests/packaging/test_alone.py",
    "tests/scripts/test_commands.py",
    "tests/operations/test_cloudbuild.py",
    "tests/operations/test_gcloud.py",
)

_running = pytest.StashKey[Stack]()


def pytest_configure(config: pytest.Config) -> None:
    """Start the stack, unless this is one of several workers that share it."""
    if hasattr(config, "workerinput"):
        # This process is measured already; programs that tests start need not be slowed down.
        os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
        _listen(config)
        return
    if config.option.collectonly:
        return
    os.environ.update(_PATIENCE)
    # A shell that runs us in the background has set it to be ignored, also by what tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print("starting a stack for the tests ...", flush=True)
    once.begin()
    running = Stack("--isolated", environment=_ENVIRONMENT).__enter__()
    stack.announce(running)
    config.stash[_running] = running
    shutil.rmtree(stack.said(), ignore_errors=True)  # a run that was killed had these ports
    stack.said().mkdir()
    _listen(config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow files."""
    items.sort(key=lambda item: not item.nodeid.startswith(_SLOW))


def _listen(config: pytest.Config) -> None:
    # Functions that tests import would write to pytest's own output; they do so in processes.
    pytest.MonkeyPatch().setattr(entry, "set_up_logging", lambda _settings: None)
    set_levels()
    leaks.listen(stack.said(), _name(config))


def _name(config: pytest.Config) -> str:
    """Return xdist's name of this process."""
    return str(getattr(config, "workerinput", {}).get("workerid", "main"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the whole run if a secret was logged, by whichever process."""
    if session.config.option.collectonly:
        return
    leaks.save(stack.said(), _name(session.config))
    if _running not in session.config.stash:
        return  # one of several workers; who started them looks
    lines = leaks.found(stack.said(), [stack.log().read_text(errors="replace")])
    if lines:
        print("\nsecrets were logged:", *lines[:20], sep="\n", file=sys.stderr)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    shutil.rmtree(stack.said())


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the stack."""
    if (running := config.stash.get(_running, None)) is not None:
        running.stop()
        once.end()


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """A client that opens a connection per request.

    The Functions Framework closes connections that were idle for two seconds, which a request on a
    busy machine may notice too late.
    """
    limits = httpx.Limits(max_keepalive_connections=0)
    hooks = {"request": [leaks.note_request]}
    async with httpx.AsyncClient(timeout=60, limits=limits, event_hooks=hooks) as client:
        yield client


@pytest.fixture(scope="session")
def door(http: httpx.AsyncClient) -> FrontDoor:
    """The functions, to be spoken to in plain HTTP."""
    return FrontDoor(addresses(stack.current()), http)


@pytest.fixture(scope="session")
def api(http: httpx.AsyncClient) -> Api:
    """The functions, as the reference client calls them."""
    return Api(addresses(stack.current()), http)


@pytest.fixture
async def alice(api: Api) -> Person:
    """A new user."""
    return await Person.create(api)


@pytest.fixture
async def bob(api: Api) -> Person:
    """Another new user."""
    return await Person.create(api)


@pytest.fixture(scope="session")
async def somebody(api: Api) -> Person:
    """A user for requests that change nothing, shared by many tests."""
    return await Person.create(api)


@pytest.fixture(scope="session")
def database() -> Database:
    """The store itself, on the emulator of the stack."""
    return Database(StoreSettings())


@pytest.fixture
def unknown_id() -> str:
    """An id that nobody has."""
    return str(uuid4())
