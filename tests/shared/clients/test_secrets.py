"""Secrets, with Secret Manager's real client and a fake server for its protocol."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
from google.cloud.secretmanager_v1 import SecretManagerServiceAsyncClient
from pydantic import SecretStr

from shared.clients import secrets as secrets_module
from shared.clients.secrets import Secret, Secrets
from shared.clients.settings import SecretSettings
from shared.errors import DependencyUnavailable
from shared.planner.settings import ModelSettings
from tests.loopback import until
from tests.shared.clients.fake_secret_manager import (
    LATEST,
    Clock,
    FakeSecretManager,
    connected,
)


@pytest.fixture
async def manager() -> FakeSecretManager:
    return FakeSecretManager()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(secrets_module, "time", clock)
    return clock


@pytest.fixture
async def secrets(manager: FakeSecretManager) -> AsyncIterator[Secrets]:
    settings = SecretSettings(project="liftlog-test", refresh_s=300, timeout_s=20)
    async with connected(manager) as connect:
        yield Secrets(settings, connect)


def secret_of(secrets: Secrets, value: str | None) -> Secret:
    """Return the secret of a setting with `value`."""
    settings = ModelSettings(api_key=None if value is None else SecretStr(value))
    return secrets.get(settings, "api_key")


async def test_literal_secret_needs_no_request(
    secrets: Secrets, manager: FakeSecretManager
) -> None:
    assert await secret_of(secrets, "SECRET").value() == "SECRET"
    assert not manager.requested


@pytest.mark.parametrize(
    ("reference", "resource"),
    [
        ("sm://openai-key", LATEST),
        ("sm://openai-key/latest", LATEST),
        ("sm://openai-key/7", LATEST.replace("latest", "7")),
    ],
)
async def test_reference_is_fetched_once_on_first_use(
    secrets: Secrets, manager: FakeSecretManager, reference: str, resource: str
) -> None:
    manager.secrets[resource] = b"SECRET\n"
    secret = secret_of(secrets, reference)
    assert not manager.requested
    assert await asyncio.gather(*(secret.value() for _ in range(10))) == ["SECRET"] * 10
    assert manager.requested == [resource]


async def test_rotated_secret_is_used_after_refresh_s(
    secrets: Secrets, manager: FakeSecretManager, clock: Clock
) -> None:
    manager.secrets[LATEST] = b"old"
    secret = secret_of(secrets, "sm://openai-key")
    assert await secret.value() == "old"
    manager.secrets[LATEST] = b"new"
    clock.now += 299
    assert await secret.value() == "old"
    clock.now += 1
    await until_is(secret, "new")
    assert len(manager.requested) == 2


async def until_is(secret: Secret, value: str) -> None:
    """Wait until the background refresh has changed the secret."""
    for _ in range(2000):
        if await secret.value() == value:
            return
        await asyncio.sleep(0.01)
    raise AssertionError


async def test_failed_refresh_keeps_the_cached_secret(
    secrets: Secrets, manager: FakeSecretManager, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    manager.secrets[LATEST] = b"old"
    secret = secret_of(secrets, "sm://openai-key")
    await secret.value()
    manager.fault = grpc.StatusCode.PERMISSION_DENIED
    clock.now += 300
    assert await secret.value() == "old"
    await until(lambda: "cannot be fetched" in caplog.text)
    assert [await secret.value() for _ in range(3)] == ["old"] * 3
    assert len(manager.requested) == 2  # one attempt, not one per request
    manager.fault, manager.secrets[LATEST] = None, b"new"
    clock.now += 30
    await until_is(secret, "new")


async def test_cached_secret_does_not_wait_for_refresh(
    secrets: Secrets, manager: FakeSecretManager, clock: Clock
) -> None:
    manager.secrets[LATEST] = b"old"
    secret = secret_of(secrets, "sm://openai-key")
    await secret.value()
    manager.hangs = True
    clock.now += 300
    assert await asyncio.gather(*(secret.value() for _ in range(5))) == ["old"] * 5
    await until(lambda: len(manager.requested) == 2)
    manager.hangs = False


async def test_fetch_ends_after_timeout_s(manager: FakeSecretManager) -> None:
    async def connect() -> SecretManagerServiceAsyncClient:
        await asyncio.Event().wait()
        raise AssertionError

    settings = SecretSettings.model_construct(project="p", refresh_s=300, timeout_s=0.1)
    with pytest.raises(DependencyUnavailable, match="OPENAI_API_KEY"):
        await secret_of(Secrets(settings, connect), "sm://openai-key").value()


@pytest.mark.parametrize(
    "fault",
    [None, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.INTERNAL],
    ids=["not found", "permission denied", "internal error"],
)
async def test_failed_fetch_names_the_variable(
    secrets: Secrets,
    manager: FakeSecretManager,
    caplog: pytest.LogCaptureFixture,
    fault: grpc.StatusCode | None,
) -> None:
    manager.fault = fault
    secret = secret_of(secrets, "sm://openai-key")
    with pytest.raises(DependencyUnavailable, match="OPENAI_API_KEY"):
        await secret.value()
    assert "OPENAI_API_KEY" in caplog.text
    assert "SECRET" not in caplog.text


async def test_pause_follows_unexpected_error_of_first_fetch(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    attempts = 0

    async def connect() -> SecretManagerServiceAsyncClient:
        nonlocal attempts
        attempts += 1
        raise LookupError("SECRET-text")

    settings = SecretSettings(project="liftlog-test", refresh_s=300, timeout_s=20)
    secret = secret_of(Secrets(settings, connect), "sm://openai-key")
    for _ in range(3):
        with pytest.raises(DependencyUnavailable, match="OPENAI_API_KEY"):
            await secret.value()
    assert attempts == 1
    assert "the secret of OPENAI_API_KEY cannot be fetched: LookupError" in caplog.text
    assert "SECRET-text" not in caplog.text
    clock.now += 1
    with pytest.raises(DependencyUnavailable, match="OPENAI_API_KEY"):
        await secret.value()
    assert attempts == 2


async def test_pause_follows_unexpected_error_of_refresh(
    manager: FakeSecretManager, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    manager.secrets[LATEST] = b"old"
    settings = SecretSettings(project="liftlog-test", refresh_s=300, timeout_s=20)
    async with connected(manager) as connect:
        secret = secret_of(Secrets(settings, connect), "sm://openai-key")
        assert await secret.value() == "old"
        # A call on a closed channel raises an error that the library does not document.
        await (await connect()).transport.close()  # type: ignore[no-untyped-call] # the library's own
        clock.now += 300
        assert await secret.value() == "old"
        await until(lambda: "cannot be fetched: UsageError" in caplog.text)
        for _ in range(3):
            assert await secret.value() == "old"
            await asyncio.sleep(0)
    assert caplog.text.count("cannot be fetched") == 1


async def test_cancelled_request_does_not_cancel_the_fetch(
    secrets: Secrets, manager: FakeSecretManager
) -> None:
    manager.secrets[LATEST] = b"SECRET"
    manager.hangs = True
    secret = secret_of(secrets, "sm://openai-key")
    cancelled, other = (asyncio.create_task(secret.value()) for _ in range(2))
    await until(lambda: bool(manager.requested))
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    manager.hangs = False
    assert await other == "SECRET"
    assert manager.requested == [LATEST]


async def test_requested_has_each_secret_once(secrets: Secrets) -> None:
    first, same = secret_of(secrets, "SECRET"), secret_of(secrets, "SECRET")
    other = secret_of(secrets, None)
    assert first is same
    assert list(secrets.requested) == [first, other]
    assert [secret.variable for secret in secrets.requested] == ["OPENAI_API_KEY"] * 2


async def test_fetch_is_retried_while_unavailable(
    secrets: Secrets, manager: FakeSecretManager
) -> None:
    manager.secrets[LATEST] = b"SECRET"
    manager.fault = grpc.StatusCode.UNAVAILABLE
    reading = asyncio.create_task(secret_of(secrets, "sm://openai-key").value())
    await until(lambda: bool(manager.requested))
    manager.fault = None
    assert await reading == "SECRET"


async def test_new_secret_is_used_after_a_second(
    secrets: Secrets, manager: FakeSecretManager, clock: Clock
) -> None:
    secret = secret_of(secrets, "sm://openai-key")
    for _ in range(3):
        with pytest.raises(DependencyUnavailable):
            await secret.value()
    assert len(manager.requested) == 1
    manager.secrets[LATEST] = b"SECRET"
    clock.now += 1
    assert await secret.value() == "SECRET"


async def test_unset_secret_names_the_variable(
    secrets: Secrets, caplog: pytest.LogCaptureFixture
) -> None:
    secret = secret_of(secrets, None)
    assert not secret.is_set
    with pytest.raises(DependencyUnavailable, match="OPENAI_API_KEY"):
        await secret.value()
    assert "OPENAI_API_KEY" in caplog.text


@pytest.mark.parametrize(
    "reference", ["sm://", "sm://a/b", "sm://a b", "sm://projects/p/secrets/s", "sm://a/1/"]
)
def test_invalid_reference_is_rejected(secrets: Secrets, reference: str) -> None:
    with pytest.raises(ValueError, match=r"^OPENAI_API_KEY is not of the form sm://name"):
        secret_of(secrets, reference)


def test_reference_without_project_is_rejected() -> None:
    with pytest.raises(ValueError, match="GOOGLE_CLOUD_PROJECT"):
        secret_of(Secrets(SecretSettings(project=None)), "sm://openai-key")
