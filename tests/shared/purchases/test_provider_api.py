"""Behaviour of every provider that is called over HTTP, with all kinds of faults."""

import asyncio
import json
import logging
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from scripts.fakes import apple, google, revenuecat
from scripts.fakes.faults import Failing, Fault
from scripts.local.ports import HOST
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.errors import DependencyUnavailable
from shared.purchases.apple import Apple
from shared.purchases.apple_settings import AppleSettings
from shared.purchases.authenticator import PurchaseProvider
from shared.purchases.google_play import GooglePlay, GooglePlaySettings
from shared.purchases.revenuecat import RevenueCat, RevenueCatSettings
from tests.loopback import served

NOW = datetime(2026, 11, 23, tzinfo=UTC)
KEY = "SECRET-key"
TOKEN = "SECRET-token"  # noqa: S105 - not a real one
MIB = 1024 * 1024

NewProvider = Callable[[str, httpx2.AsyncClient, float], PurchaseProvider]
"""Creates a provider from a base URL, a client and a timeout."""


@dataclass(frozen=True)
class FakeApi:
    """A fake API that confirms `token` unless `server` fails, and a factory of its provider."""

    server: Failing
    address: str
    token: str
    keys: Sequence[str]
    new_provider: NewProvider

    @property
    def secrets(self) -> Sequence[str]:
        """Texts that must not be in a log entry or an error."""
        return [self.token, self.address.removeprefix("http://"), *self.keys]


@contextmanager
def fake_revenuecat() -> Iterator[FakeApi]:
    server = revenuecat.RevenueCat(lambda _customer: [revenuecat.Entitlement()], KEY).app()

    def new_provider(address: str, http: httpx2.AsyncClient, timeout_s: float) -> RevenueCat:
        settings = RevenueCatSettings.model_validate(
            {
                "api_key": KEY,
                "project": revenuecat.PROJECT,
                "entitlement": revenuecat.ENTITLEMENT,
                "url": address,
            }
        )
        return RevenueCat(settings, Secrets(SecretSettings()), http, timeout_s)

    with served(server) as address:
        yield FakeApi(server, address, TOKEN, [KEY], new_provider)


@contextmanager
def fake_google() -> Iterator[FakeApi]:
    fake = google.GooglePlay(purchases={TOKEN: {"purchaseState": 0}})
    server = fake.app()

    def new_provider(address: str, http: httpx2.AsyncClient, timeout_s: float) -> GooglePlay:
        return GooglePlay(GooglePlaySettings.model_validate({"url": address}), http, timeout_s)

    with (
        served(server) as address,
        served(fake.sign_in_app()) as sign_in,
        tempfile.TemporaryDirectory() as directory,
        pytest.MonkeyPatch.context() as monkeypatch,
    ):
        key_file = Path(directory) / "key.json"
        key_file.write_text(json.dumps(google.service_account(sign_in)))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key_file))
        yield FakeApi(server, address, TOKEN, [google.ACCESS_TOKEN], new_provider)


@contextmanager
def fake_receipts() -> Iterator[FakeApi]:
    receipt = apple.as_receipt(TOKEN.encode())
    server = apple.AppStore(KEY, receipts={receipt: [apple.a_purchase()]}).app()

    def new_provider(address: str, http: httpx2.AsyncClient, timeout_s: float) -> Apple:
        settings = AppleSettings.model_validate(
            {"shared_secret": KEY, "receipt_url": f"{address}/verifyReceipt"}
        )
        return Apple(settings, Secrets(SecretSettings()), http, timeout_s)

    with served(server) as address:
        yield FakeApi(server, address, receipt, [KEY], new_provider)


@contextmanager
def fake_transactions() -> Iterator[FakeApi]:
    authority = apple.Authority()
    transaction = authority.sign(transactionId=TOKEN)
    private_key = ec.generate_private_key(ec.SECP256R1())
    pem = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    fake = apple.AppStore(KEY, transactions={TOKEN: transaction})
    fake.public_key = private_key.public_key()
    server = fake.app()

    def new_provider(address: str, http: httpx2.AsyncClient, timeout_s: float) -> Apple:
        settings = AppleSettings.model_validate(
            {"issuer_id": "issuer", "key_id": "key", "private_key": pem, "api_url": address}
        )
        secrets = Secrets(SecretSettings())
        return Apple(settings, secrets, http, timeout_s, roots=[authority.root])

    with served(server) as address:
        yield FakeApi(server, address, transaction, [TOKEN, pem.splitlines()[1]], new_provider)


FAKE_APIS: Mapping[str, Callable[[], AbstractContextManager[FakeApi]]] = {
    "RevenueCat": fake_revenuecat,
    "Google Play": fake_google,
    "App Store receipts": fake_receipts,
    "App Store Server API": fake_transactions,
}
EVERY_API = pytest.mark.parametrize("fake_api", FAKE_APIS, indirect=True)
ONE_API = pytest.mark.parametrize("fake_api", ["RevenueCat"], indirect=True)
pytestmark = pytest.mark.usefixtures("no_secret_is_logged")


@pytest.fixture(scope="module")
def fake_api(request: pytest.FixtureRequest) -> Iterator[FakeApi]:
    with FAKE_APIS[request.param]() as fake_api:
        yield fake_api


@pytest.fixture
def no_secret_is_logged(fake_api: FakeApi, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test during which our code logs a secret."""
    caplog.set_level(logging.DEBUG, logger="shared")
    yield
    fake_api.server.faults.clear()
    lines = [logging.Formatter().format(record) for record in caplog.get_records("call")]
    assert [each for each in fake_api.secrets if any(each in line for line in lines)] == []


@dataclass
class Harness:
    """A fake API, and a provider that calls it."""

    fake_api: FakeApi
    provider: PurchaseProvider

    @property
    def calls(self) -> int:
        """The calls to the fake up to now."""
        return self.fake_api.server.calls

    async def is_entitled(self) -> bool:
        return await self.provider.find_purchase(self.fake_api.token, NOW) is not None

    async def is_entitled_after_pause(self) -> bool:
        """Verify until the provider calls the API again; fail after three pauses of a second."""
        for _ in range(3):
            try:
                return await self.is_entitled()
            except DependencyUnavailable as error:
                await asyncio.sleep(error.retry_after_s)
        raise AssertionError

    async def verify_in_outage(self) -> DependencyUnavailable:
        """Verify during an outage; return the error."""
        with pytest.raises(DependencyUnavailable) as caught:
            await self.is_entitled()
        assert [each for each in self.fake_api.secrets if each in str(caught.value)] == []
        assert caught.value.__cause__ is None
        return caught.value


@pytest.fixture
def harness(fake_api: FakeApi, outgoing: httpx2.AsyncClient) -> Harness:
    return Harness(fake_api, fake_api.new_provider(fake_api.address, outgoing, 20))


@EVERY_API
async def test_purchase_is_confirmed_without_faults(harness: Harness) -> None:
    assert await harness.is_entitled()


HTML = b"<!DOCTYPE html><title>Not what you were looking for</title>"
NO_PURCHASE = json.dumps(
    {
        "type": "resource_missing",
        "items": [],
        "error": {"errors": [{"reason": "purchaseTokenNotFound"}]},
        "purchaseState": 1,
        "status": 21003,
        "errorCode": 4040010,
    }
).encode()
"""The response of every API for a token without a purchase."""

OUTAGES = {
    "our key is unknown": Fault(401, NO_PURCHASE),
    "our key has no permission": Fault(403, NO_PURCHASE),
    "an error": Fault(500),
    "an error in JSON": Fault(500, NO_PURCHASE),
    "a bad gateway": Fault(502, HTML),
    "overloaded": Fault(503, NO_PURCHASE, {"Retry-After": "1"}),
    "a slow gateway": Fault(504),
    "moved": Fault(301, NO_PURCHASE, {"Location": "/"}),
    "found elsewhere": Fault(302, NO_PURCHASE, {"Location": "/"}),
    "temporary redirect": Fault(307, NO_PURCHASE, {"Location": "/"}),
    "no content": Fault(204),
    "nothing": Fault(200),
    "not JSON": Fault(200, HTML),
    "JSON that is cut off": Fault(200, b'{"status": 0, "items": ['),
    "JSON with trailing text": Fault(200, b"{}{}"),
    "JSON that is a list": Fault(200, b"[]"),
    "JSON that is null": Fault(200, b"null"),
    "JSON that is a number": Fault(200, b"0"),
    "unterminated JSON": Fault(200, b'{"a":' * 100_000),
    "empty JSON object": Fault(200, b"{}"),
    "invalid UTF-8": Fault(200, b'{"status": 0, "a": "\xff\xfe"}'),
    "not compressed, despite its header": Fault(200, b"{}", {"Content-Encoding": "gzip"}),
    "too long": Fault(200, b" " * 5 * MIB + b"{}"),
    "a missing page": Fault(404, HTML),
    "a wrong method": Fault(405, HTML),
    "a bad request": Fault(400, HTML),
    "a header that is too long": Fault(431),
}


LEVELS = {
    "our key is unknown": (Fault(401), logging.ERROR),
    "moved": (Fault(301, headers={"Location": "/"}), logging.ERROR),
    "temporary redirect": (Fault(307, headers={"Location": "/"}), logging.ERROR),
    "a missing page": (Fault(404, HTML), logging.ERROR),
    "a conflict": (Fault(409), logging.WARNING),
    "too many calls": (Fault(429, headers={"Retry-After": "1"}), logging.WARNING),
    "an error": (Fault(500), logging.WARNING),
    "a bad gateway": (Fault(502, HTML), logging.WARNING),
    "overloaded": (Fault(503), logging.WARNING),
    "not JSON": (Fault(200, HTML), logging.WARNING),
}


@EVERY_API
@pytest.mark.parametrize("fault", OUTAGES.values(), ids=OUTAGES)
async def test_outage_does_not_reject_purchase(harness: Harness, fault: Fault) -> None:
    before = harness.calls
    harness.fake_api.server.faults += [fault]
    error = await harness.verify_in_outage()
    assert error.retry_after_s == 30
    assert harness.calls - before == 1
    assert await harness.is_entitled()


@EVERY_API
@pytest.mark.parametrize(("fault", "level"), LEVELS.values(), ids=LEVELS)
async def test_provider_fault_causes_no_alert(
    harness: Harness, caplog: pytest.LogCaptureFixture, fault: Fault, level: int
) -> None:
    harness.fake_api.server.faults += [fault]
    await harness.verify_in_outage()
    lines = [each for each in caplog.records if each.name == "shared.purchases.provider_api"]
    assert [each.levelno for each in lines] == [level]


@EVERY_API
@pytest.mark.parametrize("status", [401, 403])
async def test_rejected_credentials_cause_an_alert(
    harness: Harness, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    harness.fake_api.server.faults += [Fault(status)]
    await harness.verify_in_outage()
    [error] = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert error.name == "shared.purchases.provider_api"
    assert f"credentials are rejected ({status})" in error.getMessage()


def in_http(after: timedelta) -> str:
    return format_datetime(datetime.now(UTC) + after, usegmt=True)


def in_unix_ms(after: timedelta) -> str:
    return str(int((time.time() + after.total_seconds()) * 1000))


@dataclass(frozen=True)
class Pause:
    """A response that requests a pause, and the bounds of the pause."""

    min_s: int
    max_s: int
    retry_after: Callable[[], str] | str | None = None
    body: bytes = b""

    def fault(self, status: int = 429) -> Fault:
        if self.retry_after is None:
            return Fault(status, self.body)
        text = self.retry_after if isinstance(self.retry_after, str) else self.retry_after()
        return Fault(status, self.body, {"Retry-After": text})


FIVE_MINUTES = timedelta(minutes=5)
TOO_LONG = timedelta(days=2)
PAUSES = {
    "in seconds": Pause(120, 120, "120"),
    "as a date": Pause(200, 300, lambda: in_http(FIVE_MINUTES)),
    "as Apple's timestamp": Pause(200, 300, lambda: in_unix_ms(FIVE_MINUTES)),
    "as RevenueCat's milliseconds": Pause(
        46, 46, "45001", b'{"type": "rate_limit_error", "backoff_ms": 45001}'
    ),
    "as broken milliseconds": Pause(46, 46, body=b'{"backoff_ms": 45000.5}'),
    "not at all": Pause(30, 30),
    "nothing": Pause(30, 30, ""),
    "nonsense": Pause(30, 30, "soon"),
    "a negative number": Pause(30, 30, "-5"),
    "a fraction": Pause(30, 30, "1.5"),
    "a digit that is not ASCII": Pause(30, 30, "\xb2"),
    "a date without a zone": Pause(30, 30, "Mon, 23 Nov 2026 10:00:00"),
    "invalid milliseconds": Pause(30, 30, body=b'{"backoff_ms": "soon"}'),
    "too many seconds": Pause(600, 600, "86400"),
    "a date that is too far": Pause(600, 600, lambda: in_http(TOO_LONG)),
    "the last date there is": Pause(600, 600, "Fri, 31 Dec 9999 23:59:59 GMT"),
    "Apple's timestamp, too far": Pause(600, 600, lambda: in_unix_ms(TOO_LONG)),
    "too many milliseconds": Pause(600, 600, body=b'{"backoff_ms": 86400000}'),
}


@EVERY_API
@pytest.mark.parametrize("pause", PAUSES.values(), ids=PAUSES)
async def test_requested_pause_is_respected(harness: Harness, pause: Pause) -> None:
    before = harness.calls
    harness.fake_api.server.faults += [pause.fault()]
    first = await harness.verify_in_outage()
    assert pause.min_s <= first.retry_after_s <= pause.max_s
    second = await harness.verify_in_outage()
    assert 0 < second.retry_after_s <= first.retry_after_s
    assert harness.calls - before == 1


INVALID_PAUSES = {
    "more seconds than a float": Pause(30, 600, "9" * 400),
    "more seconds than an int": Pause(30, 600, "9" * 5000),
    "a date out of range": Pause(30, 600, "Mon, 23 Nov 99999999999 10:00:00 GMT"),
    "a number out of range": Pause(30, 600, body=b'{"backoff_ms": %b}' % (b"9" * 400)),
    "infinity": Pause(30, 600, body=b'{"backoff_ms": 1e999}'),
    "not a number": Pause(30, 600, body=b'{"backoff_ms": NaN}'),
}


@ONE_API
@pytest.mark.parametrize("pause", INVALID_PAUSES.values(), ids=INVALID_PAUSES)
async def test_invalid_pause_is_bounded(harness: Harness, pause: Pause) -> None:
    harness.fake_api.server.faults += [pause.fault()]
    assert pause.min_s <= (await harness.verify_in_outage()).retry_after_s <= pause.max_s


SHORT_PAUSES = {
    "zero seconds": Pause(1, 1, "0"),
    "a date that has passed": Pause(1, 1, lambda: in_http(-FIVE_MINUTES)),
    "Apple's timestamp, passed": Pause(1, 1, lambda: in_unix_ms(-FIVE_MINUTES)),
    "no milliseconds": Pause(1, 1, body=b'{"backoff_ms": 0}'),
    "negative milliseconds": Pause(1, 1, body=b'{"backoff_ms": -1000}'),
}


@ONE_API
@pytest.mark.parametrize("pause", SHORT_PAUSES.values(), ids=SHORT_PAUSES)
async def test_pause_lasts_at_least_one_second(harness: Harness, pause: Pause) -> None:
    harness.fake_api.server.faults += [pause.fault()]
    assert (await harness.verify_in_outage()).retry_after_s == 1


@ONE_API
async def test_provider_is_called_again_after_pause(harness: Harness) -> None:
    before = harness.calls
    harness.fake_api.server.faults += [Pause(1, 1, "1").fault()]
    await harness.verify_in_outage()
    assert await harness.is_entitled_after_pause()
    assert harness.calls - before == 2


@EVERY_API
@pytest.mark.parametrize("status", [408, 409, 423], ids=["too slow", "conflict", "locked"])
async def test_retryable_status_does_not_pause_other_requests(
    harness: Harness, status: int
) -> None:
    harness.fake_api.server.faults += [Pause(120, 120, "120").fault(status)]
    assert (await harness.verify_in_outage()).retry_after_s == 120
    assert await harness.is_entitled()


@EVERY_API
async def test_silent_provider_is_an_outage_after_timeout(
    fake_api: FakeApi, outgoing: httpx2.AsyncClient
) -> None:
    silent = Failing(Response())  # not shared: a late request must not use up another test's fault
    silent.faults += [Fault(is_silent=True)] * 2
    with served(silent) as address:
        harness = Harness(fake_api, fake_api.new_provider(address, outgoing, 0.3))
        async with asyncio.timeout(50):  # The silent server ends a request after 60 s.
            await harness.verify_in_outage()


class EndlessResponse:
    """An app that responds with endless spaces; `sent` counts them."""

    def __init__(self, size: int, every_s: float) -> None:
        self._spaces = b" " * size
        self._every_s = every_s
        self.sent = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await StreamingResponse(self._stream())(scope, receive, send)

    async def _stream(self) -> AsyncIterator[bytes]:
        while True:
            self.sent += len(self._spaces)
            yield self._spaces
            await asyncio.sleep(self._every_s)


@ONE_API
async def test_slow_response_is_an_outage_after_timeout(
    fake_api: FakeApi, outgoing: httpx2.AsyncClient
) -> None:
    with served(EndlessResponse(1, every_s=0.05)) as address:
        harness = Harness(fake_api, fake_api.new_provider(address, outgoing, 0.3))
        async with asyncio.timeout(50):
            await harness.verify_in_outage()


@ONE_API
async def test_too_large_response_is_not_read_completely(
    fake_api: FakeApi, outgoing: httpx2.AsyncClient
) -> None:
    flood = EndlessResponse(MIB // 8, every_s=0)
    with served(flood) as address:
        harness = Harness(fake_api, fake_api.new_provider(address, outgoing, 20))
        await harness.verify_in_outage()
    assert flood.sent < 32 * MIB


@contextmanager
def unused_address() -> Iterator[str]:
    with socket.socket() as bound:
        bound.bind((HOST, 0))
        yield f"http://{HOST}:{bound.getsockname()[1]}"


@EVERY_API
async def test_refused_connection_is_an_outage(
    fake_api: FakeApi, outgoing: httpx2.AsyncClient
) -> None:
    with unused_address() as address:
        harness = Harness(fake_api, fake_api.new_provider(address, outgoing, 20))
        assert (await harness.verify_in_outage()).retry_after_s == 30


@EVERY_API
async def test_tls_failure_is_an_outage(fake_api: FakeApi, outgoing: httpx2.AsyncClient) -> None:
    address = fake_api.address.replace("http:", "https:")
    harness = Harness(fake_api, fake_api.new_provider(address, outgoing, 20))
    assert (await harness.verify_in_outage()).retry_after_s == 30


BREAKS = {
    "before the response": Fault(is_cut=True),
    "during the response": Fault(200, b"{", {"Content-Length": "100"}),
}
EVERY_BREAK = pytest.mark.parametrize("fault", BREAKS.values(), ids=BREAKS)


@EVERY_API
@EVERY_BREAK
async def test_broken_connection_is_retried_once(harness: Harness, fault: Fault) -> None:
    before = harness.calls
    harness.fake_api.server.faults += [fault]
    assert await harness.is_entitled()
    assert harness.calls - before == 2


@EVERY_API
@EVERY_BREAK
async def test_connection_broken_twice_is_an_outage(harness: Harness, fault: Fault) -> None:
    before = harness.calls
    harness.fake_api.server.faults += [fault] * 2
    assert (await harness.verify_in_outage()).retry_after_s == 30
    assert harness.calls - before == 2
    assert await harness.is_entitled()
