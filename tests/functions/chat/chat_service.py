"""A chat in this process, with a fake language model."""

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
from shared.web.subscribers import SubscriberResources
from tests.functions.chat.running_chat import RunningChat, serve_chat
from tests.loopback import served


@dataclass
class ChatService:
    """A running chat, its fake model, and the token of a subscriber."""

    server: RunningChat
    openai: OpenAi
    model_address: str
    model_server: Failing
    token: str

    def reset_model(self) -> None:
        """Drop the requests, the script and the faults of the model."""
        self.openai.tokens_per_s = 0
        self.openai.context_tokens = None
        self.openai.requests.clear()
        self.openai.script.clear()
        self.model_server.faults.clear()


@contextmanager
def run_chat(database: Database | None = None, **environment: str) -> Iterator[ChatService]:
    """Serve a chat with these settings and a new token."""
    openai = OpenAi(tokens_per_s=0)
    model_server, key = openai.app(), f"SECRET-{uuid4()}"
    with served(model_server) as address, pytest.MonkeyPatch.context() as patched:
        settings = {
            "OPENAI_BASE_URL": f"{address}/v1",
            "OPENAI_API_KEY": "SECRET-model-key",
            "OPENAI_RETRIES": "0",
            "WEB_AUTH_KEY": key,
            **environment,
        }
        for name, value in settings.items():
            patched.setenv(name, value)
        resources = SubscriberResources(
            database or Database(DatabaseSettings()), open_client(), Secrets(SecretSettings())
        )
        chat = handlers(resources, ChatSettings())
        with serve_chat(chat, http=resources.http) as server:
            yield ChatService(server, openai, address, model_server, f"Web {key}")
