"""The interface of the client libraries in tests."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

from tests.functions.chat.chat_service import ChatService

TEST_TIMEOUT_S = 120
SLOW_TOKENS_PER_S = 50
"""Slow enough that a client receives several states of a reply."""

LONG_TEXT = "SECRET-reply " + "".join(f"word {number}, " for number in range(300))


class InvocationError(Exception):
    """An invocation failed. The message is the library's."""


class ConnectionRejectedError(Exception):
    """The library could not connect."""


class Client(ABC):
    """A connection to one of the hubs."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        """The messages of the hub, oldest first."""

    @abstractmethod
    async def introduce(self, locale: str) -> None:
        """Invoke `Introduce` and wait for its completion."""

    @abstractmethod
    async def send_message(self, text: str) -> None:
        """Invoke `SendMessage` and wait for its completion. Raises InvocationError."""

    @abstractmethod
    async def invoke(self, method: str, *values: object) -> None:
        """Invoke any method and wait for its completion. Raises InvocationError."""

    @abstractmethod
    async def stop(self) -> None:
        """Stop the reply in progress, without a completion, as apps do."""

    @abstractmethod
    async def restart(self) -> None:
        """Restart the conversation, without a completion, as apps do."""

    @property
    def texts(self) -> list[str]:
        """The received texts."""
        return [each["message"] for each in self.received if each["type"] == "messageResponse"]

    @property
    def plans(self) -> list[dict[str, Any]]:
        """The received plans, without the envelope of the hub."""
        plans = [each for each in self.received if each["type"] == "chatPlan"]
        return [each["blueprint"] if "blueprint" in each else each["plan"] for each in plans]

    def clear(self) -> None:
        """Drop the received messages."""
        self.received.clear()


class Library(Protocol):
    """A SignalR library."""

    def connect(
        self, server: str, token: str, *, is_new: bool, negotiates: bool = True
    ) -> AbstractAsyncContextManager[Client]:
        """Connect as an app of 2026, or of 2025 if not `is_new`. Raises ConnectionRejectedError."""


@dataclass(frozen=True)
class App:
    """An app of one year on one library, whose user is a subscriber."""

    library: Library
    service: ChatService
    is_new: bool

    def connect(
        self, *, server: str | None = None, token: str | None = None, negotiates: bool = True
    ) -> AbstractAsyncContextManager[Client]:
        """Connect, as `Library.connect`."""
        server = self.service.server.address if server is None else server
        token = self.service.token if token is None else token
        return self.library.connect(server, token, is_new=self.is_new, negotiates=negotiates)


def is_growing(texts: Sequence[str]) -> bool:
    """Return whether each text extends the previous one."""
    return all(
        len(later) > len(earlier) and later.startswith(earlier)
        for earlier, later in pairwise(texts)
    )


def exercises(plan: dict[str, Any]) -> list[list[Any]]:
    """Return the exercises of each session."""
    return [session["exercises"] for session in plan["sessions"]]


def is_extension(earlier: dict[str, Any], later: dict[str, Any]) -> bool:
    """Return whether a plan has all exercises of an earlier one, unchanged."""
    before, after = exercises(earlier), exercises(later)
    return len(after) >= len(before) and all(
        known == now[: len(known)] for known, now in zip(before, after, strict=False)
    )


def prompt_texts(service: ChatService) -> list[str]:
    """Return the texts of the newest request to the model, without the system prompt."""
    _system_prompt, *messages = service.openai.requests[-1]["messages"]
    return [message["content"] for message in messages]
