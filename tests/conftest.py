"""Fixtures of all tests. The stack starts once, before the first test.

Its database is a file. Tests with the mark `firestore` use a second stack, on Google's emulators.
"""

import os
import shutil
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache
from uuid import uuid4

import coverage
import httpx
import hypothesis
import pytest

from scripts.client.api import Api
from scripts.client.person import Person
from scripts.local.ports import Ports
from scripts.local.stack import Stack
from scripts.local.storage import VARIABLES
from shared.auth.passwords import derive
from shared.store.database import Database
from shared.store.users import PasswordHash, Users
from shared.telemetry.logs import set_levels
from shared.web import framework_entry
from tests import emulators, leaks, server_forms, shared_results, stack
from tests.api_client import ApiClient
from tests.server_forms import server_addresses

pytest_plugins = ["tests.engines", "tests.fakes", "tests.programs"]

_ENVIRONMENT = {
    "COVERAGE_PROCESS_CONFIG": "",
    **dict.fromkeys(VARIABLES, ""),
    "LOG_FORMAT": "json",
    "FAKE_TOKENS_PER_S": "0",
}
# The emulators run for minutes only. Java's second compiler costs more than it saves.
_JAVA = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
# Long deadlines: a slow database here means a busy machine. Other tests cover outages.
_LONG_DEADLINES = {
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

# Slow files start first. Otherwise one worker runs them alone at the end.
_SLOW_FILES = (
    "tests/shared/store/engines/test_differential.py",
    "tests/scripts/self_hosted/test_moves.py",
    "tests/scripts/packaging/test_isolated_package.py",
    "tests/scripts/test_commands.py",
    "tests/scripts/release/test_cloudbuild.py",
    "tests/scripts/cloud/test_gcloud.py",
)

# The other tests call services in other processes, or no service.
_MEASURED_FOLDERS = ("tests/shared/", "tests/functions/chat/")
# Tests with the mark run the same code on SQLite. Only these tests run that of Firestore alone.
_MEASURED_ON_FIRESTORE = "tests/shared/store/engines/test_firestore.py"

_PASSWORD = "SECRET-password-of-test-users"  # noqa: S105 - valid only for these users

_running = pytest.StashKey[Stack]()
_running_on_emulators = pytest.StashKey[emulators.EmulatorStack]()
_server = pytest.StashKey[ExitStack]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of `./scripts/test`."""
    parser.addoption("--long", action="store_true", help="more generated requests and clients")
    parser.addoption(
        "--server",
        choices=server_forms.OPTIONS,
        default=server_forms.DEFAULT,
        help="the server that the tests of the contract call (tests/functions/test_*.py)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start the stack. Workers of pytest-xdist share it."""
    hypothesis.settings.load_profile("long" if config.option.long else "short")
    if hasattr(config, "workerinput"):
        # Coverage measures this process. It would slow down the programs that tests start.
        os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
        _listen(config)
        return
    if config.option.collectonly:
        return
    os.environ.update(_LONG_DEADLINES)
    os.environ.setdefault("JAVA_TOOL_OPTIONS", _JAVA)
    # A shell ignores SIGINT for background processes, and child processes inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print("starting a stack for the tests ...", flush=True)
    shared_results.begin()
    form = config.option.server
    running = Stack(*server_forms.OPTIONS[form], environment=_ENVIRONMENT).__enter__()
    stack.announce(running)
    config.stash[_running], config.stash[_server] = running, ExitStack()
    config.stash[_running_on_emulators] = emulators.EmulatorStack(_ENVIRONMENT)
    shutil.rmtree(
        stack.log_folder(), ignore_errors=True
    )  # left by a killed run with the same ports
    stack.log_folder().mkdir()
    config.stash[_server].enter_context(server_forms.announced(form, running))
    _listen(config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slow files first."""
    items.sort(key=lambda item: not item.nodeid.startswith(_SLOW_FILES))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let the emulators start before the first test that needs them."""
    if session.config.option.collectonly:
        return
    if any(item.get_closest_marker("firestore") for item in session.items):
        emulators.request_start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Measure coverage only in tests that run the code in this process, because it is slow."""
    measuring = coverage.Coverage.current()
    if measuring and not _is_measured(item):
        measuring.stop()
        try:
            return (yield)
        finally:
            measuring.start()
    return (yield)


def _is_measured(item: pytest.Item) -> bool:
    if item.get_closest_marker("firestore"):
        return item.nodeid.startswith(_MEASURED_ON_FIRESTORE)
    return item.nodeid.startswith(_MEASURED_FOLDERS)


def _listen(config: pytest.Config) -> None:
    # Each httpx client would read all root certificates, which takes 30 ms.
    pytest.MonkeyPatch().setattr(ssl, "create_default_context", cache(ssl.create_default_context))
    # Imported functions would log to pytest's output. Functions in other processes have logs.
    pytest.MonkeyPatch().setattr(framework_entry, "set_up_logging", lambda _settings: None)
    set_levels()
    leaks.listen(stack.log_folder(), _name(config))


def _name(config: pytest.Config) -> str:
    """Return the name of this pytest-xdist worker."""
    return str(getattr(config, "workerinput", {}).get("workerid", "main"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run if a log of any process contains a secret."""
    if session.config.option.collectonly:
        return
    leaks.save(stack.log_folder(), _name(session.config))
    if _running not in session.config.stash:
        return  # a worker; the main process searches
    if session.config.stash[_running].has_ended:
        print("\nthe stack ended:", stack.log().read_text()[-10_000:], sep="\n", file=sys.stderr)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    on_emulators = session.config.stash[_running_on_emulators].log()
    logs = [stack.log().read_text(errors="replace"), on_emulators]
    lines = leaks.found(stack.log_folder(), logs)
    if lines:
        print("\nsecrets were logged:", *lines[:20], sep="\n", file=sys.stderr)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    shutil.rmtree(stack.log_folder())


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the stacks."""
    if (running := config.stash.get(_running, None)) is not None:
        config.stash[_server].close()
        config.stash[_running_on_emulators].stop()
        running.stop()
        shared_results.end()


@pytest.fixture(scope="session")
def is_long(pytestconfig: pytest.Config) -> bool:
    """Return whether tests run in their long form."""
    return bool(pytestconfig.option.long)


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client that opens a connection per request.

    The Functions Framework closes connections after two idle seconds. On a busy machine a request
    can meet that moment.
    """
    limits = httpx.Limits(max_keepalive_connections=0)
    hooks = {"request": [leaks.note_request]}
    async with httpx.AsyncClient(timeout=60, limits=limits, event_hooks=hooks) as client:
        yield client


@pytest.fixture(scope="session")
def client(http: httpx.AsyncClient, ports: Ports) -> ApiClient:
    """The functions, over plain HTTP."""
    return ApiClient(server_addresses(ports), http)


@pytest.fixture(scope="session")
def api(http: httpx.AsyncClient, ports: Ports) -> Api:
    """The functions, through the reference client."""
    return Api(server_addresses(ports), http)


@pytest.fixture(scope="session")
def new_person(api: Api, database: Database) -> Callable[[], Awaitable[Person]]:
    """Return a function that creates a user.

    All these users have one password hash. So each service hashes the password once, which takes
    0.15 s, and uses its cache in the other tests.
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
async def existing_user(new_person: Callable[[], Awaitable[Person]]) -> Person:
    """A user for requests that change nothing, shared by many tests."""
    return await new_person()


@pytest.fixture
def unknown_id() -> str:
    """The id of no user."""
    return str(uuid4())
