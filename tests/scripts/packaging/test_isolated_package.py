"""Each package by itself: unpacked, installed, served as in production, and asked for something."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from scripts.client.api import Api
from scripts.client.person import Person
from scripts.fakes.settings import WEB_KEY
from scripts.local.ports import SERVICES
from scripts.local.services import project
from scripts.local.stack import addresses
from scripts.packaging.packages import package
from tests import stack
from tests.functions.chat.service import Door
from tests.functions.chat.talker import NEW, Talker
from tests.functions.cleanup.test_cleanup import MESSAGE
from tests.functions.test_ai import SESSION
from tests.scripts.packaging.alone import Alone

_TOKEN = f"Web {WEB_KEY}"

Ask = Callable[[str, Api, httpx.AsyncClient], Awaitable[None]]


async def create_a_user(_address: str, api: Api, _http: httpx.AsyncClient) -> None:
    await Person.create(api)


async def publish_a_workout(_address: str, api: Api, _http: httpx.AsyncClient) -> None:
    await (await Person.create(api)).publish(b"SECRET-workout")


async def allow_a_follower(_address: str, api: Api, _http: httpx.AsyncClient) -> None:
    await (await Person.create(api)).allow_follower()


async def share_a_plan(_address: str, api: Api, _http: httpx.AsyncClient) -> None:
    person = await Person.create(api)
    await person.share_plan(b"SECRET-plan", person.aes_key)


async def have_a_session_made(_address: str, api: Api, _http: httpx.AsyncClient) -> None:
    session = await api.call("POST", "/ai/session", {"attributes": SESSION}, _TOKEN)
    assert session["exercises"]


async def talk(address: str, _api: Api, _http: httpx.AsyncClient) -> None:
    async with Door(httpx.URL(address).port or 0).shaken(NEW, token=_TOKEN) as wire:
        talker = Talker(wire, is_new=True)
        await talker.introduce()
    assert talker.texts


async def clean_up(address: str, _api: Api, http: httpx.AsyncClient) -> None:
    answer = await http.post(address, json=MESSAGE)
    assert answer.is_success, answer.text


ASKS: dict[str, Ask] = {
    "users": create_a_user,
    "events": publish_a_workout,
    "social": allow_a_follower,
    "sharing": share_a_plan,
    "ai": have_a_session_made,
    "chat": talk,
    "cleanup": clean_up,
}


@pytest.mark.parametrize("service", SERVICES)
async def test_a_package_is_all_that_its_service_needs(
    service: str, tmp_path: Path, http: httpx.AsyncClient
) -> None:
    # What has expired is other tests' to look at: the cleanup gets a database without it.
    data = f"package-{uuid4()}" if service == "cleanup" else project()
    alone = Alone(package(service), tmp_path, data)
    alone.import_everything()
    with alone.serving() as address:
        ready = await http.get(f"{address}/health/ready")
        assert ready.status_code == 200, ready.text
        api = Api({**addresses(stack.current()), service: address}, http)
        await ASKS[service](address, api, http)
