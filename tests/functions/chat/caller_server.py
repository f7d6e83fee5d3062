"""A chat for API keys, forwarded users and a subscriber, which records its callers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from functions.chat.handlers import ChatHandlers
from functions.chat.hub import Client
from shared.auth.named_user import NamedUser
from shared.web.callers import Caller
from tests.caller_auth import caller_auth, user_auth
from tests.functions.chat.fake_hub import FakeHub, is_alive
from tests.functions.chat.running_chat import OneTokenProvider, RunningChat, serve_chat

KEY = "SECRET-key-of-alice"
BARE_KEY = "SECRET-bare-key"
HEADER = "Remote-User"
API_KEYS = f"alice={KEY},{BARE_KEY}"
LOOPBACK = "127.0.0.0/8"

ALICE = NamedUser("alice")
DEFAULT = NamedUser("default", is_shared=True)


@dataclass
class CallerServer:
    """A running chat with one hub at `/hub`, and the callers of its connections."""

    server: RunningChat
    http: httpx.AsyncClient
    callers: list[Caller] = field(default_factory=list)

    async def negotiate(
        self, headers: Mapping[str, str], path: str = "/hub/negotiate?negotiateVersion=1"
    ) -> httpx.Response:
        """Request a negotiation."""
        return await self.http.post(f"{self.server.address}{path}", headers=headers)

    async def connect(self, headers: Mapping[str, str], path: str = "/hub") -> Caller:
        """Connect to a hub; return the caller that it got."""
        self.callers.clear()
        async with self.server.connect_to_hub(path, headers=headers) as client:
            assert await is_alive(client)
        [caller] = self.callers
        return caller


@contextmanager
def serve_callers(
    http: httpx.AsyncClient, api_keys: str | None = API_KEYS, proxies: str | None = LOOPBACK
) -> Iterator[CallerServer]:
    """Serve a chat for `API_KEYS`, a subscriber, and users whom a proxy names in `HEADER`."""
    callers: list[Caller] = []

    def open_hub(client: Client, caller: Caller) -> FakeHub:
        callers.append(caller)
        return FakeHub(client, caller)

    users = user_auth(api_keys, HEADER if proxies else None, proxies)
    chat = ChatHandlers(caller_auth({"Web": OneTokenProvider()}, users), {"/hub": open_hub})
    with serve_chat(chat) as server:
        yield CallerServer(server, http, callers)
