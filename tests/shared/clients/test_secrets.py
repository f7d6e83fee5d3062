"""Secrets, with Secret Manager's real client and a server that speaks its protocol."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest
from google.cloud.secretmanager_v1 import SecretManagerServiceAsyncClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
    SecretManagerServiceGrpcAsyncIOTransport,
)
from google.cloud.secretmanager_v1.types import (
    AccessSecretVersionRequest,
    AccessSecretVersionResponse,
    SecretPayload,
)
from pydantic import SecretStr

from shared.clients import secrets as secrets_module
from shared.clients.secrets import Secret, Secrets
from shared.clients.settings import SecretSettings
from shared.errors import DependencyUnavailable
from shared.planner.settings import ModelSettings
from tests.loopback import until

LATEST = "projects/liftlog-test/secrets/openai-key/versions/latest"


class SecretManager:
    """The server: what it keeps, what it was asked for, and how it fails."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.fault: grpc.StatusCode | None = None
        self.is_silent = False

    async def access(self, request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        self.asked.append(request.name)
        while self.is_silent:  # noqa: ASYNC110 - the test's word
            await asyncio.sleep(0.01)
        if self.fault is not None:
            await context.abort(self.fault, "SECRET-details")
        if request.name not in self.kept:
            await context.abort(grpc.StatusCode.NOT_FOUND, "SECRET-details")
        payload = SecretPayload(data=self.kept[request.name])
        return AccessSecretVersionResponse(name=request.name, payload=payload)

    async def serve(self) -> tuple[grpc.aio.Server, int]:
        handler = grpc.unary_unary_rpc_method_handler(
            self.access,
            request_deserializer=AccessSecretVersionRequest.pb().FromString,
            response_serializer=AccessSecretVersionResponse.serialize,
        )
        service = "google.cloud.secretmanager.v1.SecretManagerService"
        server = grpc.aio.server()
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {"AccessSecretVersion": handler}),)
        )
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        return server, port


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
async def manager() -> SecretManager:
    return SecretManager()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(secrets_module, "time", clock)
    return clock


@asynccontextmanager
async def connected(
    manager: SecretManager,
) -> AsyncIterator[Callable[[], Awaitable[SecretManagerServiceAsyncClient]]]:
    """Serve it for the length of the block; yield what returns a client of it."""
    server, port = await manager.serve()
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")

    async def connect() -> SecretManagerServiceAsyncClient:
        transport = SecretManagerServiceGrpcAsyncIOTransport(channel=channel)
        return SecretManagerServiceAsyncClient(transport=transport)

    yield connect
    await channel.close()
    await server.stop(None)


@pytest.fixture
async def secrets(manager: SecretManager) -> AsyncIterator[Secrets]:
    settings = SecretSettings(project="liftlog-test", refresh_s=300, timeout_s=20)
    async with connected(manager) as connect:
        yield Secrets(settings, connect)


def given(secrets: Secrets, value: str | None) -> Secret:
    """Return the secret of a setting that has `value`."""
    settings = ModelSettings(api_key=None if value is None else SecretStr(value))
    return secrets.get(settings, "api_key")


async def test_a_secret_may_be_given_as_itself(secrets: Secrets, manager: SecretManager) -> None:
    assert await given(secrets, "SECRET").value() == "SECRET"
    assert not manager.asked


@pytest.mark.parametrize(
    ("reference", "resource"),
    [
        ("sm://openai-key", LATEST),
        ("sm://openai-key/latest", LATEST),
        ("sm://openai-key/7", LATEST.replace("latest", "7")),
    ],
)
async def test_a_reference_is_followed_on_first_use_and_then_remembered(
    secrets: Secrets, manager: SecretManager, reference: str, resource: str
) -> None:
    manager.kept[resource] = b"SECRET\n"
    secret = given(secrets, reference)
    assert not manager.asked
    assert await asyncio.gather(*(secret.value() for _ in range(10))) == ["SECRET"] * 10
    assert manager.asked == [resource]


async def test_a_rotated_secret_is_in_use_after_a_while(
    secrets: Secrets, manager: SecretManager, clock: Clock
) -> None:
    manager.kept[LATEST] = b"old"
    secret = given(secrets, "sm://openai-key")
    assert await secret.value() == "old"
    manager.kept[LATEST] = b"new"
    clock.now += 299
    assert await secret.value() == "old"
    clock.now += 1
    await until_is(secret, "new")
    assert len(manager.asked) == 2


async def until_is(secret: Secret, value: str) -> None:
    """Return once the secret has been fetched again, which happens beside those who use it."""
    for _ in range(2000):
        if await secret.value() == value:
            return
        await asyncio.sleep(0.01)
    raise AssertionError


async def test_an_outage_of_secret_manager_is_not_noticed_by_who_has_the_secret(
    secrets: Secrets, manager: SecretManager, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    manager.kept[LATEST] = b"old"
    secret = given(secrets, "sm://openai-key")
    await secret.value()
    manager.fault = grpc.StatusCode.PERMISSION_DENIED
    clock.now += 300
    assert await secret.value() == "old"
    await until(lambda: "cannot be fetched" in caplog.text)
    assert [await secret.value() for _ in range(3)] == ["old"] * 3
    assert len(manager.asked) == 2  # it is not asked by every request
    manager.fault, manager.kept[LATEST] = None, b"new"
    clock.now += 30
    await until_is(secret, "new")


async def test_nobody_who_has_the_secret_waits_for_secret_manager(
    secrets: Secrets, manager: SecretManager, clock: Clock
) -> None:
    manager.kept[LATEST] = b"old"
    secret = given(secrets, "sm://openai-key")
    await secret.value()
    manager.is_silent = True
    clock.now += 300
    assert await asyncio.gather(*(secret.value() for _ in range(5))) == ["old"] * 5
    await until(lambda: len(manager.asked) == 2)
    manager.is_silent = False


async def test_who_waits_for_a_secret_does_not_wait_for_ever(manager: SecretManager) -> None:
    async def connect() -> SecretManagerServiceAsyncClient:
        await asyncio.Event().wait()
        raise AssertionError

    settings = SecretSettings.model_construct(project="p", refresh_s=300, timeout_s=0.1)
    with pytest.raises(DependencyUnavailable, match="OPENAI_API_KEY"):
        await given(Secrets(settings, connect), "sm://openai-key").value()


@pytest.mark.parametrize(
    "fault",
    [None, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.INTERNAL],
    ids=["not there", "not ours", "broken"],
)
async def test_a_secret_that_cannot_be_had_is_named(
    secrets: Secrets,
    manager: SecretManager,
    caplog: pytest.LogCaptureFixture,
    fault: grpc.StatusCode | None,
) -> None:
    manager.fault = fault
    secret = given(secrets, "sm://openai-key")
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
    secret = given(Secrets(settings, connect), "sm://openai-key")
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
    manager: SecretManager, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    manager.kept[LATEST] = b"old"
    settings = SecretSettings(project="liftlog-test", refresh_s=300, timeout_s=20)
    async with connected(manager) as connect:
        secret = given(Secrets(settings, connect), "sm://openai-key")
        assert await secret.value() == "old"
        # A call on a closed channel is none of the errors that the library documents.
        await (await connect()).transport.close()  # type: ignore[no-untyped-call]
        clock.now += 300
        assert await secret.value() == "old"
        await until(lambda: "cannot be fetched: UsageError" in caplog.text)
        for _ in range(3):
            assert await secret.value() == "old"
            await asyncio.sleep(0)
    assert caplog.text.count("cannot be fetched") == 1


async def test_who_has_no_patience_does_not_keep_the_others_from_the_secret(
    secrets: Secrets, manager: SecretManager
) -> None:
    manager.kept[LATEST] = b"SECRET"
    manager.is_silent = True
    secret = given(secrets, "sm://openai-key")
    impatient, patient = (asyncio.create_task(secret.value()) for _ in range(2))
    await until(lambda: bool(manager.asked))
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    manager.is_silent = False
    assert await patient == "SECRET"
    assert manager.asked == [LATEST]


async def test_the_secrets_of_a_process_are_known_each_once(secrets: Secrets) -> None:
    first, same = given(secrets, "SECRET"), given(secrets, "SECRET")
    other = given(secrets, None)
    assert first is same
    assert list(secrets.requested) == [first, other]
    assert [secret.variable for secret in secrets.requested] == ["OPENAI_API_KEY"] * 2


async def test_a_moments_outage_is_waited_for(secrets: Secrets, manager: SecretManager) -> None:
    manager.kept[LATEST] = b"SECRET"
    manager.fault = grpc.StatusCode.UNAVAILABLE
    reading = asyncio.create_task(given(secrets, "sm://openai-key").value())
    await until(lambda: bool(manager.asked))
    manager.fault = None
    assert await reading == "SECRET"


async def test_a_secret_that_appears_is_in_use_a_second_later(
    secrets: Secrets, manager: SecretManager, clock: Clock
) -> None:
    secret = given(secrets, "sm://openai-key")
    for _ in range(3):
        with pytest.raises(DependencyUnavailable):
            await secret.value()
    assert len(manager.asked) == 1
    manager.kept[LATEST] = b"SECRET"
    clock.now += 1
    assert await secret.value() == "SECRET"


async def test_a_missing_secret_is_named(
    secrets: Secrets, caplog: pytest.LogCaptureFixture
) -> None:
    secret = given(secrets, None)
    assert not secret.is_set
    with pytest.raises(DependencyUnavailable, match="OPENAI_API_KEY"):
        await secret.value()
    assert "OPENAI_API_KEY" in caplog.text


@pytest.mark.parametrize(
    "reference", ["sm://", "sm://a/b", "sm://a b", "sm://projects/p/secrets/s", "sm://a/1/"]
)
def test_what_looks_like_a_reference_but_is_none_fails_the_start(
    secrets: Secrets, reference: str
) -> None:
    with pytest.raises(ValueError, match=r"^OPENAI_API_KEY is not of the form sm://name"):
        given(secrets, reference)


def test_a_reference_without_a_project_fails_the_start() -> None:
    with pytest.raises(ValueError, match="GOOGLE_CLOUD_PROJECT"):
        given(Secrets(SecretSettings(project=None)), "sm://openai-key")
