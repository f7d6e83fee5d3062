"""A fake model, behind the real client."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import httpx2
import pytest

from scripts.fakes.faults import Failing
from scripts.fakes.openai import OpenAi
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.planner.model import Model
from shared.planner.plans import Planner
from shared.planner.settings import ModelSettings
from tests.loopback import served

KEY = "SECRET-model-key"


@dataclass
class FakeModel:
    """The fake model, its faults, and planners that use it."""

    openai: OpenAi
    server: Failing
    address: str
    http: httpx2.AsyncClient

    def planner(self, **settings: object) -> Planner:
        """Return a planner with changed settings."""
        default = {"api_key": KEY, "base_url": f"{self.address}/v1", "silence_s": 20}
        chosen = ModelSettings.model_validate({**default, **settings})
        return Planner(Model(chosen, Secrets(SecretSettings()), self.http), chosen.deadline_s)


@pytest.fixture(scope="module")
def openai() -> OpenAi:
    return OpenAi(tokens_per_s=0)


@pytest.fixture(scope="module")
def server(openai: OpenAi) -> Failing:
    return openai.app()


@pytest.fixture(scope="module")
def address(server: Failing) -> Iterator[str]:
    with served(server) as address:
        yield address


@pytest.fixture
async def fake(openai: OpenAi, server: Failing, address: str) -> AsyncIterator[FakeModel]:
    async with httpx2.AsyncClient() as http:
        yield FakeModel(openai, server, address, http)
    openai.requests.clear()
    openai.script.clear()
    server.faults.clear()
