"""Who may talk: whoever shows a purchase, before anything else."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from urllib.parse import quote

import httpx
import pytest
from websockets.http11 import Response

from functions.chat.handlers import ChatHandlers
from shared.errors import DependencyTimedOut, DependencyUnavailable
from shared.purchases.authenticator import Purchase, PurchaseAuthenticator
from tests.functions.chat.aftermath import errors_logged, nothing_left
from tests.functions.chat.hub_for_tests import HubForTests, SlowStore, open_gate, opened
from tests.functions.chat.service import TOKEN, OneKey, Running, hub_alone, served_chat
from tests.loopback import until

REJECTED = {
    "empty": "",
    "no store": TOKEN,
    "no token": "Web",
    "bearer alone": "Bearer",
    "bearer without a token": "Bearer Web",
    "bearer without a store": f"Bearer {TOKEN}",
    "unknown store": f"Amazon {TOKEN}",
    "wrong token": "Web SECRET-token-of-somebody-else",
    "token and more": f"Web {TOKEN} and-more",
    "other scheme": f"Basic {TOKEN}",
}
rejected = pytest.mark.parametrize("presented", REJECTED.values(), ids=REJECTED)


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with served_chat(hub_alone(HubForTests)) as running:
        yield running


async def negotiated(
    http: httpx.AsyncClient, running: Running, query: str = "", header: str | None = None
) -> httpx.Response:
    headers = {} if header is None else {"Authorization": header}
    return await http.post(f"{running.address}/hub/negotiate{query}", headers=headers)


def assert_is_problem(status: int, answer: httpx.Response | Response) -> None:
    content = answer.content if isinstance(answer, httpx.Response) else answer.body
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert f'"status": {status}'.encode() in bytes(content or b"")
    assert b"SECRET" not in bytes(content or b"")
    assert "SECRET" not in str(answer.headers)


@rejected
async def test_negotiating_is_for_subscribers(
    running: Running, http: httpx.AsyncClient, presented: str
) -> None:
    """The contract, "Purchase tokens" and "General": 401."""
    answer = await negotiated(http, running, header=presented)
    assert_is_problem(401, answer)
    assert answer.headers["www-authenticate"].startswith("Bearer")


@rejected
async def test_connecting_is_for_subscribers(running: Running, presented: str) -> None:
    """The contract, "Purchase tokens": refused before the upgrade."""
    answer = await running.upgraded(header=presented)
    assert_is_problem(401, answer)
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert running.chat.connected == 0


@rejected
async def test_connecting_is_for_subscribers_also_by_address(
    running: Running, presented: str
) -> None:
    """The contract, "Purchase tokens": `access_token`."""
    assert_is_problem(401, await running.upgraded(f"/hub?access_token={quote(presented)}"))


async def test_nobody_comes_in_without_a_token(running: Running, http: httpx.AsyncClient) -> None:
    """RFC 6750, section 3: no error is named to who has presented nothing."""
    for answer in (await negotiated(http, running), await running.upgraded()):
        assert_is_problem(401, answer)
        assert answer.headers["www-authenticate"] == 'Bearer realm="LiftLog"'


@pytest.mark.parametrize("prefix", ["", "Bearer ", "bearer "], ids=["bare", "Bearer", "bearer"])
@pytest.mark.parametrize("store", ["Web", "web", "WEB"])
async def test_a_token_is_good_however_it_is_written(
    running: Running, http: httpx.AsyncClient, prefix: str, store: str
) -> None:
    """The contract, "Purchase tokens": with and without `Bearer`; stores in any case."""
    presented = f"{prefix}{store} {TOKEN}"
    assert (await negotiated(http, running, header=presented)).status_code == 200
    assert (await running.upgraded(header=presented)).status_code == 101
    by_address = await running.upgraded(f"/hub?access_token={quote(presented)}")
    assert by_address.status_code == 101


async def test_a_space_in_an_address_may_be_a_plus(running: Running) -> None:
    """WHATWG URL, "application/x-www-form-urlencoded": what `URLSearchParams` writes."""
    assert (await running.upgraded(f"/hub?access_token=Web+{TOKEN}")).status_code == 101


async def test_the_header_wins_over_the_address(running: Running) -> None:
    good, bad = f"Web {TOKEN}", "Web SECRET-other"
    address = f"/hub?access_token={quote(bad)}"
    assert (await running.upgraded(address, good)).status_code == 101
    address = f"/hub?access_token={quote(good)}"
    assert_is_problem(401, await running.upgraded(address, bad))
    assert_is_problem(401, await running.upgraded(address, ""))


async def test_the_address_does_not_count_for_negotiating(
    running: Running, http: httpx.AsyncClient
) -> None:
    """The contract, "Purchase tokens": only where browsers cannot set headers."""
    query = f"?access_token={quote(f'Web {TOKEN}')}"
    assert_is_problem(401, await negotiated(http, running, query))


async def test_who_may_not_come_in_is_not_told_what_is_there(running: Running) -> None:
    assert_is_problem(401, await running.upgraded("/hub?id=malformed", "Web SECRET-other"))


@pytest.mark.parametrize("path", ["/", "/hubs", "/v3/hub", "/v2", "/hub/negotiate"])
async def test_there_is_nothing_to_connect_to_elsewhere(running: Running, path: str) -> None:
    """The contract, "General": 404."""
    assert_is_problem(404, await running.upgraded(path, f"Web {TOKEN}"))


@pytest.mark.parametrize(
    ("error", "status"), [(DependencyUnavailable, 503), (DependencyTimedOut, 504)]
)
async def test_a_store_that_cannot_tell_is_no_refusal(
    http: httpx.AsyncClient, error: type[DependencyUnavailable], status: int
) -> None:
    """The contract, "General": with `Retry-After`."""

    class IsDown:
        async def find_purchase(self, _token: str, _now: datetime) -> Purchase | None:
            raise error("the store", 7)

    chat = ChatHandlers(
        PurchaseAuthenticator({"Google": IsDown(), "Web": OneKey()}), {"/hub": HubForTests}
    )
    with served_chat(chat) as running, errors_logged() as errors:
        for answer in (
            await negotiated(http, running, header=f"Google {TOKEN}"),
            await running.upgraded(header=f"Google {TOKEN}"),
        ):
            assert_is_problem(status, answer)
            assert answer.headers["retry-after"] == "7"
        assert (await running.upgraded(header=f"Web {TOKEN}")).status_code == 101
        await nothing_left(running)
    assert errors == []


async def test_a_bug_while_signing_in_is_our_fault() -> None:
    """The contract, "General": never a stack trace."""

    class IsBroken:
        async def find_purchase(self, token: str, _now: datetime) -> Purchase | None:
            raise RuntimeError(token)

    with served_chat(
        ChatHandlers(PurchaseAuthenticator({"Web": IsBroken()}), {"/hub": HubForTests})
    ) as running:
        assert_is_problem(500, await running.upgraded(header=f"Web {TOKEN}"))
        await nothing_left(running)


async def test_a_refusal_is_no_error_of_ours(running: Running) -> None:
    with errors_logged() as errors:
        assert_is_problem(401, await running.upgraded())
        assert_is_problem(404, await running.upgraded("/hub?id=malformed", f"Web {TOKEN}"))
        assert_is_problem(404, await running.upgraded("/unknown"))
        await nothing_left(running)
    assert errors == []


@pytest.mark.parametrize("answer", [True, False], ids=["welcome", "refused"])
async def test_a_client_that_does_not_wait_for_its_store_is_no_error_of_ours(answer: bool) -> None:
    store = SlowStore(answer=answer)
    chat = ChatHandlers(PurchaseAuthenticator({"Web": store}), {"/hub": HubForTests})
    with served_chat(chat) as running, errors_logged() as errors:
        connecting = asyncio.create_task(running.upgraded(header=f"Web {TOKEN}"))
        await opened(store.asked)
        connecting.cancel()
        with suppress(asyncio.CancelledError):
            await connecting
        await until(lambda: running.sockets == 0)
        open_gate(store.told)
        await nothing_left(running)
    assert errors == []
