"""What a client of the chat can do, whichever library it is built on."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

from tests.functions.chat.own_chat import Talk

PATIENCE_S = 120
SLOWLY = 50
"""Tokens per second at which a reply's growth can be watched."""

LONG = "SECRET-reply " + "".join(f"word {number}, " for number in range(300))


class CallFailedError(Exception):
    """The hub has not done what it was called for; the message says what the library does."""


class RefusedError(Exception):
    """There was no connection to be had."""


class Client(ABC):
    """A connection to one of the hubs."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        """What the hub has said, oldest first."""

    @abstractmethod
    async def introduce(self, locale: str) -> None:
        """Let the coach introduce itself; returns when it has."""

    @abstractmethod
    async def say(self, text: str) -> None:
        """Let the coach reply; returns when it has, and fails with CallFailedError."""

    @abstractmethod
    async def call(self, method: str, *values: object) -> None:
        """Call any method; returns when it has ended, and fails with CallFailedError."""

    @abstractmethod
    async def stop(self) -> None:
        """End the reply under way, as apps do: nobody waits until it has ended."""

    @abstractmethod
    async def restart(self) -> None:
        """Begin anew, as apps do."""

    @property
    def texts(self) -> list[str]:
        """The texts that were received."""
        return [each["message"] for each in self.received if each["type"] == "messageResponse"]

    @property
    def plans(self) -> list[dict[str, Any]]:
        """The plans that were received, as either hub has them inside."""
        plans = [each for each in self.received if each["type"] == "chatPlan"]
        return [each["blueprint"] if "blueprint" in each else each["plan"] for each in plans]

    def forget(self) -> None:
        """Forget what was received."""
        self.received.clear()


class Library(Protocol):
    """A SignalR library, with what it takes to talk to the chat."""

    def connected(
        self, server: str, token: str, *, is_new: bool, negotiates: bool = True
    ) -> AbstractAsyncContextManager[Client]:
        """Connect as an app of 2026, or if not `is_new` of 2025; fails with RefusedError."""


@dataclass(frozen=True)
class App:
    """An app of one year, built on one library, whose user has bought Pro."""

    library: Library
    talk: Talk
    is_new: bool

    def connected(
        self, *, server: str | None = None, token: str | None = None, negotiates: bool = True
    ) -> AbstractAsyncContextManager[Client]:
        """Connect, as `Library.connected`."""
        server = self.talk.running.address if server is None else server
        token = self.talk.token if token is None else token
        return self.library.connected(server, token, is_new=self.is_new, negotiates=negotiates)


def grows(texts: Sequence[str]) -> bool:
    """Whether each text is longer than the one before, and begins with it."""
    return all(
        len(later) > len(earlier) and later.startswith(earlier)
        for earlier, later in pairwise(texts)
    )


def exercises(plan: dict[str, Any]) -> list[list[Any]]:
    """Return the exercises of each session."""
    return [session["exercises"] for session in plan["sessions"]]


def extends(earlier: dict[str, Any], later: dict[str, Any]) -> bool:
    """Whether a plan has everything that an earlier one had, unchanged."""
    before, after = exercises(earlier), exercises(later)
    return len(after) >= len(before) and all(
        known == now[: len(known)] for known, now in zip(before, after, strict=False)
    )


def reminders(talk: Talk) -> list[str]:
    """Return what the model was reminded of with the newest request, besides its instructions."""
    _system, *said = talk.openai.requests[-1]["messages"]
    return [message["content"] for message in said]
