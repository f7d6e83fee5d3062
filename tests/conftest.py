"""What every test may ask for; the stack is started once, before the first of them."""

import os
import shutil
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from uuid import uuid4

import coverage
import httpx
import hypothesis
import pytest

from scripts.client.api import Api
from scripts.client.person import Person
from scripts.local.stack import OWN_EMULATORS, Stack, addresses
from shared.auth.passwords import derive
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from shared.store.users import PasswordHash, Users
from shared.telemetry.logs import set_levels
from shared.web import framework_entry
from tests import leaks, shared_results, stack
from tests.api_client import ApiClient

_ENVIRONMENT = {
    "COVERAGE_PROCESS_CONFIG": "",
    **OWN_EMULATORS,
    "LOG_FORMAT": "json",
    "STAND_IN_TOKENS_PER_S": "0",
}
# The emulators run for minutes: the second compiler of Java costs more than it saves.
_JAVA = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
# What happens when the store is slow is tested on a stack of its own; here it is the machine.
_PATIENCE = {
    "FIRESTORE_ATTEMPT_TIMEOUT_S": "20",
    "FIRESTORE_LONGEST_WAIT_S": "60",
    "FIRESTORE_RETRY_FOR_S": "20",
    "PASSWORD_LONGEST_WAIT_S": "60",
}

for form, examples in (("short", 25), ("long", 200)):
    hypothesis.settings.register_profile(
        form,
        database=None,
        deadline=None,
        derandomize=True,
        max_examples=examples,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )

# A worker that gets one of these last works on alone while the others have ended.
_SLOW = (
    "tests/scripts/packaging/test_alone.py",
    "tests/scripts/test_commands.py",
    "tests/scripts/release/test_cloudbuild.py",
    "tests/scripts/cloud/test_gcloud.py",
)

# The other tests call services in processes of their own, or no service at all.
_MEASURED = ("tests/shared/", "tests/functions/chat/")

_PASSWORD = "SECRET-password-of-test-users"  # noqa: S105 - opens nothing else

_running = pytest.StashKey[Stack]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `./scripts/test --long` pass its option on."""
    parser.addoption("--long", action="store_true", help="more generated requests and clients")


def pytest_configure(config: pytest.Config) -> None:
    """Start the stack, unless this is one of several workers that share it."""
    hypothesis.settings.load_profile("long" if config.option.long else "short")
    if hasattr(config, "workerinput"):
        # This process is measured already; programs that tests start need not be slowed down.
        os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
        _listen(config)
        return
    if config.option.collectonly:
        return
    os.environ.update(_PATIENCE)
    os.environ.setdefault("JAVA_TOOL_OPTIONS", _JAVA)
    # A shell that runs us in the background has set it to be ignored, also by what tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print("starting a stack for the tests ...", flush=True)
    shared_results.begin()
    running = Stack("--isolated", environment=_ENVIRONMENT).__enter__()
    stack.announce(running)
    config.stash[_running] = running
    shutil.rmtree(stack.said(), ignore_errors=True)  # a run that was killed had these ports
    stack.said().mkdir()
    _listen(config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow files."""
    items.sort(key=lambda item: not item.nodeid.startswith(_SLOW))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Measure coverage in the tests that run the code in this process: it slows down all code."""
    measuring = coverage.Coverage.current()
    if measuring and not item.nodeid.startswith(_MEASURED):
        measuring.stop()
        try:
            return (yield)
        finally:
            measuring.start()
    return (yield)


def _listen(config: pytest.Config) -> None:
    # A client of httpx reads the certificates of all authorities, which takes 30 ms.
    pytest.MonkeyPatch().setattr(ssl, "create_default_context", cache(ssl.create_default_context))
    # Functions that tests import would write to pytest's own output; they do so in processes.
    pytest.MonkeyPatch().setattr(framework_entry, "set_up_logging", lambda _settings: None)
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
        shared_results.end()


@pytest.fixture(scope="session")
def is_long(pytestconfig: pytest.Config) -> bool:
    """Whether tests with a short and a long form run in the long one."""
    return bool(pytestconfig.option.long)


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
def client(http: httpx.AsyncClient) -> ApiClient:
    """The functions, to be spoken to in plain HTTP."""
    return ApiClient(addresses(stack.current()), http)


@pytest.fixture(scope="session")
def api(http: httpx.AsyncClient) -> Api:
    """The functions, as the reference client calls them."""
    return Api(addresses(stack.current()), http)


@pytest.fixture(scope="session")
def database() -> Database:
    """The store itself, on the emulator of the stack."""
    return Database(DatabaseSettings())


@pytest.fixture(scope="session")
def new_person(api: Api, database: Database) -> Callable[[], Awaitable[Person]]:
    """Return a function that creates a user.

    All these users have one password hash. So each function hashes the password once, which takes
    0.15 s, and remembers it for the other tests.
    """
    stored = PasswordHash(derive(_PASSWORD, bytes(64)), bytes(64))

    async def create() -> Person:
        user = await Users(database).create(stored, datetime.now(UTC))
        return Person(api, {"id": str(user.id), "lookup": user.lookup, "password": _PASSWORD})

    return create


@pytest.fixture
async def alice(new_person: Callable[[], Awaitable[Person]]) -> Person:
    """A new user."""
    return await new_person()


@pytest.fixture
async def bob(new_person: Callable[[], Awaitable[Person]]) -> Person:
    """Another new user."""
    return await new_person()


@pytest.fixture(scope="session")
async def somebody(new_person: Callable[[], Awaitable[Person]]) -> Person:
    """A user for requests that change nothing, shared by many tests."""
    return await new_person()


@pytest.fixture
def unknown_id() -> str:
    """An id that nobody has."""
    return str(uuid4())
