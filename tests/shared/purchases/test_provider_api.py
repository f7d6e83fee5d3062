"""What holds for every store that is asked over HTTP, whatever goes wrong on the way."""

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
from shared.clients.http import open_client
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
TOKEN = "SECRET-token"  # noqa: S105 - opens nothing
MIB = 1024 * 1024

NewVerifier = Callable[[str, httpx2.AsyncClient, float], PurchaseProvider]
"""A verifier that asks at an address and waits so long."""


@dataclass(frozen=True)
class Store:
    """A store that says yes to `token` unless `server` fails, and how to make who asks it."""

    server: Failing
    address: str
    token: str
    keys: Sequence[str]
    new_verifier: NewVerifier

    @property
    def never_told(self) -> Sequence[str]:
        """What belongs neither into the log nor into an error."""
        return [self.token, self.address.removeprefix("http://"), *self.keys]


@contextmanager
def revenuecat_store() -> Iterator[Store]:
    server = revenuecat.RevenueCat(lambda _customer: [revenuecat.Entitlement()], KEY).app()

    def new_verifier(address: str, http: httpx2.AsyncClient, timeout_s: float) -> RevenueCat:
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
        yield Store(server, address, TOKEN, [KEY], new_verifier)


@contextmanager
def google_store() -> Iterator[Store]:
    fake = google.GooglePlay(purchases={TOKEN: {"purchaseState": 0}})
    server = fake.app()

    def new_verifier(address: str, http: httpx2.AsyncClient, timeout_s: float) -> GooglePlay:
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
        yield Store(server, address, TOKEN, [google.ACCESS_TOKEN], new_verifier)


@contextmanager
def receipts_store() -> Iterator[Store]:
    receipt = apple.as_receipt(TOKEN.encode())
    server = apple.AppStore(KEY, receipts={receipt: [apple.a_purchase()]}).app()

    def new_verifier(address: str, http: httpx2.AsyncClient, timeout_s: float) -> Apple:
        settings = AppleSettings.model_validate(
            {"shared_secret": KEY, "receipt_url": f"{address}/verifyReceipt"}
        )
        return Apple(settings, Secrets(SecretSettings()), http, timeout_s)

    with served(server) as address:
        yield Store(server, address, receipt, [KEY], new_verifier)


@contextmanager
def transactions_store() -> Iterator[Store]:
    authority = apple.Authority()
    transaction = authority.sign(transactionId=TOKEN)
    private_key = ec.generate_private_key(ec.SECP256R1())
    pem = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    fake = apple.AppStore(KEY, transactions={TOKEN: transaction})
    fake.public_key = private_key.public_key()
    server = fake.app()

    def new_verifier(address: str, http: httpx2.AsyncClient, timeout_s: float) -> Apple:
        settings = AppleSettings.model_validate(
            {"issuer_id": "issuer", "key_id": "key", "private_key": pem, "api_url": address}
        )
        secrets = Secrets(SecretSettings())
        return Apple(settings, secrets, http, timeout_s, roots=[authority.root])

    with served(server) as address:
        yield Store(server, address, transaction, [TOKEN, pem.splitlines()[1]], new_verifier)


STORES: Mapping[str, Callable[[], AbstractContextManager[Store]]] = {
    "RevenueCat": revenuecat_store,
    "Google Play": google_store,
    "App Store receipts": receipts_store,
    "App Store Server API": transactions_store,
}
EACH = pytest.mark.parametrize("store", STORES, indirect=True)
ONE_OF_THEM = pytest.mark.parametrize("store", ["RevenueCat"], indirect=True)
pytestmark = pytest.mark.usefixtures("nothing_is_told")


@pytest.fixture(scope="module")
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with STORES[request.param]() as store:
        yield store


@pytest.fixture
def nothing_is_told(store: Store, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fails a test during which our own code logs what nobody may read."""
    caplog.set_level(logging.DEBUG, logger="shared")
    yield
    store.server.faults.clear()
    lines = [logging.Formatter().format(record) for record in caplog.get_records("call")]
    assert [each for each in store.never_told if any(each in line for line in lines)] == []


@pytest.fixture(scope="module")
async def outgoing() -> AsyncIterator[httpx2.AsyncClient]:
    async with open_client() as client:
        yield client


@dataclass
class Asked:
    """A store, and one verifier that asks it."""

    store: Store
    verifier: PurchaseProvider

    @property
    def calls(self) -> int:
        """How often the store was called so far, by whomever."""
        return self.store.server.calls

    async def is_entitled(self) -> bool:
        return await self.verifier.find_purchase(self.store.token, NOW) is not None

    async def is_entitled_after_the_pause(self) -> bool:
        """Ask until the verifier calls the store again; fail after three pauses of a second."""
        for _ in range(3):
            try:
                return await self.is_entitled()
            except DependencyUnavailable as error:
                await asyncio.sleep(error.retry_after_s)
        raise AssertionError

    async def cannot_tell(self) -> DependencyUnavailable:
        """Ask; return the error that has to come of it."""
        with pytest.raises(DependencyUnavailable) as caught:
            await self.is_entitled()
        assert [each for each in self.store.never_told if each in str(caught.value)] == []
        assert caught.value.__cause__ is None
        return caught.value


@pytest.fixture
def asked(store: Store, outgoing: httpx2.AsyncClient) -> Asked:
    return Asked(store, store.new_verifier(store.address, outgoing, 20))


@EACH
async def test_purchase_is_confirmed_without_faults(asked: Asked) -> None:
    assert await asked.is_entitled()


HTML = b"<!DOCTYPE html><title>Not what you were looking for</title>"
NO = json.dumps(
    {
        "type": "resource_missing",
        "items": [],
        "error": {"errors": [{"reason": "purchaseTokenNotFound"}]},
        "purchaseState": 1,
        "status": 21003,
        "errorCode": 4040010,
    }
).encode()
"""What all stores say of somebody who has bought nothing."""

OUTAGES = {
    "our key is unknown": Fault(401, NO),
    "our key may not": Fault(403, NO),
    "an error": Fault(500),
    "an error in JSON": Fault(500, NO),
    "a bad gateway": Fault(502, HTML),
    "overloaded": Fault(503, NO, {"Retry-After": "1"}),
    "a slow gateway": Fault(504),
    "moved": Fault(301, NO, {"Location": "/"}),
    "found elsewhere": Fault(302, NO, {"Location": "/"}),
    "elsewhere for now": Fault(307, NO, {"Location": "/"}),
    "no content": Fault(204),
    "nothing": Fault(200),
    "no JSON": Fault(200, HTML),
    "JSON that is cut off": Fault(200, b'{"status": 0, "items": ['),
    "JSON with more behind it": Fault(200, b"{}{}"),
    "JSON that is a list": Fault(200, b"[]"),
    "JSON that is null": Fault(200, b"null"),
    "JSON that is a number": Fault(200, b"0"),
    "JSON without end": Fault(200, b'{"a":' * 100_000),
    "JSON that says nothing": Fault(200, b"{}"),
    "invalid UTF-8": Fault(200, b'{"status": 0, "a": "\xff\xfe"}'),
    "not compressed, as it says": Fault(200, b"{}", {"Content-Encoding": "gzip"}),
    "too long": Fault(200, b" " * 5 * MIB + b"{}"),
    "a page that is not there": Fault(404, HTML),
    "a wrong method": Fault(405, HTML),
    "a request that nobody understands": Fault(400, HTML),
    "a header that is too long": Fault(431),
}


LEVELS = {
    "our key is unknown": (Fault(401), logging.ERROR),
    "moved": (Fault(301, headers={"Location": "/"}), logging.ERROR),
    "elsewhere for now": (Fault(307, headers={"Location": "/"}), logging.ERROR),
    "a page that is not there": (Fault(404, HTML), logging.ERROR),
    "a conflict": (Fault(409), logging.WARNING),
    "too many calls": (Fault(429, headers={"Retry-After": "1"}), logging.WARNING),
    "an error": (Fault(500), logging.WARNING),
    "a bad gateway": (Fault(502, HTML), logging.WARNING),
    "overloaded": (Fault(503), logging.WARNING),
    "no JSON": (Fault(200, HTML), logging.WARNING),
}


@EACH
@pytest.mark.parametrize("fault", OUTAGES.values(), ids=OUTAGES)
async def test_outage_does_not_reject_purchase(asked: Asked, fault: Fault) -> None:
    before = asked.calls
    asked.store.server.faults += [fault]
    error = await asked.cannot_tell()
    assert error.retry_after_s == 30
    assert asked.calls - before == 1
    assert await asked.is_entitled()


@EACH
@pytest.mark.parametrize(("fault", "level"), LEVELS.values(), ids=LEVELS)
async def test_provider_fault_causes_no_alert(
    asked: Asked, caplog: pytest.LogCaptureFixture, fault: Fault, level: int
) -> None:
    asked.store.server.faults += [fault]
    await asked.cannot_tell()
    lines = [each for each in caplog.records if each.name == "shared.purchases.provider_api"]
    assert [each.levelno for each in lines] == [level]


@EACH
@pytest.mark.parametrize("status", [401, 403])
async def test_rejected_credentials_cause_an_alert(
    asked: Asked, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    asked.store.server.faults += [Fault(status)]
    await asked.cannot_tell()
    [alarm] = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert alarm.name == "shared.purchases.provider_api"
    assert f"credentials are rejected ({status})" in alarm.getMessage()


def in_http(after: timedelta) -> str:
    return format_datetime(datetime.now(UTC) + after, usegmt=True)


def in_unix_ms(after: timedelta) -> str:
    return str(int((time.time() + after.total_seconds()) * 1000))


@dataclass(frozen=True)
class Pause:
    """How a store asks for one, and between which numbers of seconds it may last then."""

    least_s: int
    most_s: int
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
    "as Apple's instant": Pause(200, 300, lambda: in_unix_ms(FIVE_MINUTES)),
    "as RevenueCat's milliseconds": Pause(
        46, 46, "45001", b'{"type": "rate_limit_error", "backoff_ms": 45001}'
    ),
    "as broken milliseconds": Pause(46, 46, body=b'{"backoff_ms": 45000.5}'),
    "not at all": Pause(30, 30),
    "nothing": Pause(30, 30, ""),
    "nonsense": Pause(30, 30, "soon"),
    "a negative number": Pause(30, 30, "-5"),
    "a fraction": Pause(30, 30, "1.5"),
    "a digit of another script": Pause(30, 30, "\xb2"),
    "a date without a zone": Pause(30, 30, "Mon, 23 Nov 2026 10:00:00"),
    "nonsense from RevenueCat": Pause(30, 30, body=b'{"backoff_ms": "soon"}'),
    "too many seconds": Pause(600, 600, "86400"),
    "a date that is too far": Pause(600, 600, lambda: in_http(TOO_LONG)),
    "the last date there is": Pause(600, 600, "Fri, 31 Dec 9999 23:59:59 GMT"),
    "Apple's instant, too far": Pause(600, 600, lambda: in_unix_ms(TOO_LONG)),
    "too many milliseconds": Pause(600, 600, body=b'{"backoff_ms": 86400000}'),
}


@EACH
@pytest.mark.parametrize("pause", PAUSES.values(), ids=PAUSES)
async def test_requested_pause_is_respected(asked: Asked, pause: Pause) -> None:
    before = asked.calls
    asked.store.server.faults += [pause.fault()]
    first = await asked.cannot_tell()
    assert pause.least_s <= first.retry_after_s <= pause.most_s
    second = await asked.cannot_tell()
    assert 0 < second.retry_after_s <= first.retry_after_s
    assert asked.calls - before == 1


ABSURD = {
    "more seconds than a float": Pause(30, 600, "9" * 400),
    "more seconds than an int": Pause(30, 600, "9" * 5000),
    "a date beyond all dates": Pause(30, 600, "Mon, 23 Nov 99999999999 10:00:00 GMT"),
    "a number beyond all floats": Pause(30, 600, body=b'{"backoff_ms": %b}' % (b"9" * 400)),
    "an endless number": Pause(30, 600, body=b'{"backoff_ms": 1e999}'),
    "not a number": Pause(30, 600, body=b'{"backoff_ms": NaN}'),
}


@ONE_OF_THEM
@pytest.mark.parametrize("pause", ABSURD.values(), ids=ABSURD)
async def test_invalid_pause_is_bounded(asked: Asked, pause: Pause) -> None:
    asked.store.server.faults += [pause.fault()]
    assert pause.least_s <= (await asked.cannot_tell()).retry_after_s <= pause.most_s


SHORTEST = {
    "no time": Pause(1, 1, "0"),
    "a date that has passed": Pause(1, 1, lambda: in_http(-FIVE_MINUTES)),
    "Apple's instant, passed": Pause(1, 1, lambda: in_unix_ms(-FIVE_MINUTES)),
    "no milliseconds": Pause(1, 1, body=b'{"backoff_ms": 0}'),
    "less than none": Pause(1, 1, body=b'{"backoff_ms": -1000}'),
}


@ONE_OF_THEM
@pytest.mark.parametrize("pause", SHORTEST.values(), ids=SHORTEST)
async def test_pause_lasts_at_least_one_second(asked: Asked, pause: Pause) -> None:
    asked.store.server.faults += [pause.fault()]
    assert (await asked.cannot_tell()).retry_after_s == 1


@ONE_OF_THEM
async def test_provider_is_called_again_after_pause(asked: Asked) -> None:
    before = asked.calls
    asked.store.server.faults += [Pause(1, 1, "1").fault()]
    await asked.cannot_tell()
    assert await asked.is_entitled_after_the_pause()
    assert asked.calls - before == 2


@EACH
@pytest.mark.parametrize("status", [408, 409, 423], ids=["too slow", "conflict", "locked"])
async def test_retryable_status_does_not_pause_other_requests(asked: Asked, status: int) -> None:
    asked.store.server.faults += [Pause(120, 120, "120").fault(status)]
    assert (await asked.cannot_tell()).retry_after_s == 120
    assert await asked.is_entitled()


@EACH
async def test_silent_provider_is_an_outage_after_timeout(
    store: Store, outgoing: httpx2.AsyncClient
) -> None:
    silent = Failing(Response())  # of its own: a late request must not meet another test's fault
    silent.faults += [Fault(is_silent=True)] * 2
    with served(silent) as address:
        asked = Asked(store, store.new_verifier(address, outgoing, 0.3))
        async with asyncio.timeout(50):  # The silent server ends a request after 60 s.
            await asked.cannot_tell()


class Endless:
    """Answers with spaces that never end; `sent` counts them."""

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


@ONE_OF_THEM
async def test_slow_response_is_an_outage_after_timeout(
    store: Store, outgoing: httpx2.AsyncClient
) -> None:
    with served(Endless(1, every_s=0.05)) as address:
        asked = Asked(store, store.new_verifier(address, outgoing, 0.3))
        async with asyncio.timeout(50):
            await asked.cannot_tell()


@ONE_OF_THEM
async def test_too_large_response_is_not_read_completely(
    store: Store, outgoing: httpx2.AsyncClient
) -> None:
    flood = Endless(MIB // 8, every_s=0)
    with served(flood) as address:
        asked = Asked(store, store.new_verifier(address, outgoing, 20))
        await asked.cannot_tell()
    assert flood.sent < 32 * MIB


@contextmanager
def nowhere() -> Iterator[str]:
    with socket.socket() as bound:
        bound.bind((HOST, 0))
        yield f"http://{HOST}:{bound.getsockname()[1]}"


@EACH
async def test_refused_connection_is_an_outage(store: Store, outgoing: httpx2.AsyncClient) -> None:
    with nowhere() as address:
        asked = Asked(store, store.new_verifier(address, outgoing, 20))
        assert (await asked.cannot_tell()).retry_after_s == 30


@EACH
async def test_tls_failure_is_an_outage(store: Store, outgoing: httpx2.AsyncClient) -> None:
    address = store.address.replace("http:", "https:")
    asked = Asked(store, store.new_verifier(address, outgoing, 20))
    assert (await asked.cannot_tell()).retry_after_s == 30


BROKEN = {
    "before the answer": Fault(is_cut=True),
    "within the answer": Fault(200, b"{", {"Content-Length": "100"}),
}
EVERY_BREAK = pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN)


@EACH
@EVERY_BREAK
async def test_broken_connection_is_retried_once(asked: Asked, fault: Fault) -> None:
    before = asked.calls
    asked.store.server.faults += [fault]
    assert await asked.is_entitled()
    assert asked.calls - before == 2


@EACH
@EVERY_BREAK
async def test_connection_broken_twice_is_an_outage(asked: Asked, fault: Fault) -> None:
    before = asked.calls
    asked.store.server.faults += [fault] * 2
    assert (await asked.cannot_tell()).retry_after_s == 30
    assert asked.calls - before == 2
    assert await asked.is_entitled()
