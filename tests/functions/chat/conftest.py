"""The chat with the model's stand-in behind it, in this process."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest

from functions.chat.main import handlers
from scripts.stand_ins.faults import Failing
from scripts.stand_ins.openai import OpenAi
from shared.outgoing import open_client
from shared.settings import ChatSettings, StoreSettings
from shared.store.client import Database
from tests.functions.chat.service import Running, served_chat
from tests.loopback import served


@dataclass
class Talk:
    """A running chat, what stands in for its model and where, how that fails, who may connect."""

    running: Running
    openai: OpenAi
    model: str
    server: Failing
    token: str


@pytest.fixture(scope="module")
def talk_of_module() -> Iterator[Talk]:
    openai = OpenAi(tokens_per_s=0)
    server, key = openai.app(), f"SECRET-{uuid4()}"
    with served(server) as address, pytest.MonkeyPatch.context() as environment:
        environment.setenv("OPENAI_BASE_URL", f"{address}/v1")
        environment.setenv("OPENAI_API_KEY", "SECRET-model-key")
        environment.setenv("OPENAI_RETRIES", "0")
        environment.setenv("WEB_AUTH_KEY", key)
        http = open_client()
        chat = handlers(Database(StoreSettings()), http, ChatSettings())
        with served_chat(chat, http=http) as running:
            yield Talk(running, openai, address, server, f"Web {key}")


@pytest.fixture
def talk(talk_of_module: Talk) -> Iterator[Talk]:
    """The chat; whatever a test has made the model say or fail is forgotten after it."""
    yield talk_of_module
    openai = talk_of_module.openai
    openai.tokens_per_s = 0
    openai.requests.clear()
    openai.script.clear()
    talk_of_module.server.faults.clear()
