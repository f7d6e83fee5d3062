"""The database calls of a conversation, which `docs/performance.md` lists in a table."""

import pytest

from functions.chat.main import handlers
from functions.chat.settings import ChatSettings
from scripts.local.round_trips import RoundTrips
from shared.clients.http import open_client
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from shared.web.subscribers import SubscriberResources
from tests.functions.chat.chat_service import ChatService
from tests.functions.chat.running_chat import serve_chat
from tests.shared.store.test_round_trips import COMMIT, READ, is_documented


async def test_message_costs_one_read_and_one_commit(
    service: ChatService, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips, http = RoundTrips(), open_client()
    monkeypatch.setenv("WEB_AUTH_KEY", service.token.removeprefix("Web "))
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{service.model_address}/v1")
    database = Database(DatabaseSettings(), trips.open_engine)
    resources = SubscriberResources(database, http, Secrets(SecretSettings()))
    chat = handlers(resources, ChatSettings())
    with serve_chat(chat, http=http) as server:
        with trips.counted() as round_trips:
            async with server.connect_to_hub("/ai-chat", token=service.token) as client:
                for number in ("0", "1"):
                    message = {"target": "SendMessage", "arguments": ["SECRET-hello"]}
                    await client.send({"type": 1, "invocationId": number, **message})
                    await client.receive_until_completed(number)
        assert round_trips == [READ, COMMIT, READ, COMMIT]
    assert is_documented("`/ai-chat`, a message", 2)
