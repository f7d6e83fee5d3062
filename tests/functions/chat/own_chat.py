"""A chat of one's own in this process, with the model's stand-in behind it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

import pytest

from functions.chat.main import handlers
from functions.chat.settings import ChatSettings
from scripts.fakes.faults import Failing
from scripts.fakes.openai import OpenAi
from shared.clients.http import open_client
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
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


@contextmanager
def own_chat(database: Database | None = None, **environment: str) -> Iterator[Talk]:
    """Serve a chat with such settings, and a token that nobody else has."""
    openai = OpenAi(tokens_per_s=0)
    server, key = openai.app(), f"SECRET-{uuid4()}"
    with served(server) as address, pytest.MonkeyPatch.context() as patched:
        settings = {
            "OPENAI_BASE_URL": f"{address}/v1",
            "OPENAI_API_KEY": "SECRET-model-key",
            "OPENAI_RETRIES": "0",
            "WEB_AUTH_KEY": key,
            **environment,
        }
        for name, value in settings.items():
            patched.setenv(name, value)
        http = open_client()
        chat = handlers(
            database or Database(DatabaseSettings()),
            http,
            Secrets(SecretSettings()),
            ChatSettings(),
        )
        with served_chat(chat, http=http) as running:
            yield Talk(running, openai, address, server, f"Web {key}")
