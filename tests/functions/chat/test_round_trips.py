"""What a talk costs in calls to Firestore; the README has it in its table."""

import pytest

from functions.chat.main import handlers
from functions.chat.settings import ChatSettings
from scripts.local.round_trips import RoundTrips
from shared.clients.http import open_client
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from tests.functions.chat.own_chat import Talk
from tests.functions.chat.service import served_chat
from tests.shared.store.test_round_trips import COMMIT, READ, is_documented


async def test_a_message_is_counted_by_one_read_and_one_commit(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips, http = RoundTrips(), open_client()
    monkeypatch.setenv("WEB_AUTH_KEY", talk.token.removeprefix("Web "))
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{talk.model}/v1")
    database = Database(DatabaseSettings(), trips.interceptors)
    chat = handlers(database, http, Secrets(SecretSettings()), ChatSettings())
    with served_chat(chat, http=http) as running:
        with trips.counted() as calls:
            async with running.shaken("/ai-chat", token=talk.token) as wire:
                for number in ("0", "1"):
                    message = {"target": "SendMessage", "arguments": ["SECRET-hello"]}
                    await wire.send({"type": 1, "invocationId": number, **message})
                    await wire.until_completed(number)
        assert calls == [READ, COMMIT, READ, COMMIT]
    assert is_documented("`/ai-chat`, a message", 2)
