"""A fake model, behind the real client."""

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
from tests.fakes import RunningFake

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


@pytest.fixture
def fake(fake_openai: RunningFake[OpenAi], outgoing: httpx2.AsyncClient) -> FakeModel:
    return FakeModel(fake_openai.fake, fake_openai.server, fake_openai.url, outgoing)
