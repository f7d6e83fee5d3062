"""The gateway: all services in one process."""

import pytest

import functions.chat.main
from functions.chat.settings import ChatSettings
from scripts.local.gateway import function_of, routes_by_service
from shared.clients.http import open_client
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from shared.web.subscribers import SubscriberResources


@pytest.mark.parametrize(
    ("route", "function"),
    [
        ("/user/create", "users"),
        ("/users", "users"),
        ("/event", "events"),
        ("/inbox", "social"),
        ("/shareditem/{id}", "sharing"),
        ("/ai/workout", "ai"),
        ("/ai-chat/negotiate", "chat"),
        ("/ai-chat-v2", "chat"),
        ("/", "cleanup"),
        ("/health", ""),
        ("(no such route)", ""),
        (None, ""),
    ],
)
async def test_log_line_names_the_function_of_the_route(route: str | None, function: str) -> None:
    database = Database(DatabaseSettings())
    async with open_client() as http:
        resources = SubscriberResources(database, http, Secrets(SecretSettings()))
        chat = functions.chat.main.handlers(resources, ChatSettings())
        assert function_of(routes_by_service(database, chat, resources), route) == function
