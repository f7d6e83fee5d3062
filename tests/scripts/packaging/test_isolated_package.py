"""Each package alone: unpacked, installed, served as in production, and called once."""

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
from scripts.packaging.packages import build_package
from tests.emulators import emulators, ports
from tests.functions.chat.hub_user import HUB_V2, HubUser
from tests.functions.chat.running_chat import ChatEndpoint
from tests.functions.cleanup.test_cleanup import MESSAGE
from tests.functions.test_ai import SESSION
from tests.scripts.packaging.isolated_package import IsolatedPackage

_TOKEN = f"Web {WEB_KEY}"

Request = Callable[[str, Api, httpx.AsyncClient], Awaitable[None]]


async def create_a_user(_address: str, api: Api, _http: httpx.AsyncClient) -> None:
    await Person.create(api)


async def publish_a_workout(_address: str, api: Api, _http: httpx.AsyncClient) -> None:
    await (await Person.create(api)).publish(b"SECRET-workout")


async def allow_a_follower(_address: str, api: Api, _http: httpx.AsyncClient) -> None:
    await (await Person.create(api)).allow_follower()


async def share_a_plan(_address: str, api: Api, _http: httpx.AsyncClient) -> None:
    person = await Person.create(api)
    await person.share_plan(b"SECRET-plan", person.aes_key)


async def request_a_session(_address: str, api: Api, _http: httpx.AsyncClient) -> None:
    session = await api.call("POST", "/ai/session", {"attributes": SESSION}, _TOKEN)
    assert session["exercises"]


async def hold_a_conversation(address: str, _api: Api, _http: httpx.AsyncClient) -> None:
    async with ChatEndpoint(httpx.URL(address).port or 0).connect_to_hub(
        HUB_V2, token=_TOKEN
    ) as wire:
        user = HubUser(wire, is_new=True)
        await user.introduce()
    assert user.texts


async def start_cleanup(address: str, _api: Api, http: httpx.AsyncClient) -> None:
    answer = await http.post(address, json=MESSAGE)
    assert answer.is_success, answer.text


async def store_a_backup(address: str, _api: Api, http: httpx.AsyncClient) -> None:
    headers = {"X-API-Key": WEB_KEY}
    stored = await http.post(f"{address}/backup", content=b"SECRET-backup", headers=headers)
    assert stored.is_success, stored.text
    read = await http.get(f"{address}/backup/latest", headers=headers)
    assert read.content == b"SECRET-backup"


REQUESTS: dict[str, Request] = {
    "users": create_a_user,
    "events": publish_a_workout,
    "social": allow_a_follower,
    "sharing": share_a_plan,
    "ai": request_a_session,
    "chat": hold_a_conversation,
    "cleanup": start_cleanup,
    "backup": store_a_backup,
}


@pytest.mark.parametrize("service", SERVICES)
def test_package_contains_all_that_it_imports(service: str, tmp_path: Path) -> None:
    IsolatedPackage(build_package(service), tmp_path).import_all()


@pytest.mark.firestore
@pytest.mark.parametrize("service", SERVICES)
async def test_package_serves_without_the_repository(
    service: str, tmp_path: Path, http: httpx.AsyncClient
) -> None:
    # The cleanup gets an empty database: other tests need their expired documents.
    data = f"package-{uuid4()}" if service == "cleanup" else project()
    isolated = IsolatedPackage(build_package(service), tmp_path)
    settings = {"GOOGLE_CLOUD_PROJECT": data, "BACKUP_FOLDER": str(tmp_path / "backups")}
    with isolated.serve({**emulators().environment, **settings}) as address:
        ready = await http.get(f"{address}/health/ready")
        assert ready.status_code == 200, ready.text
        api = Api({**addresses(ports()), service: address}, http)
        await REQUESTS[service](address, api, http)
