"""API keys: secrets that the operator of a server gives to users.

Source: contract, heading "Callers"
"""

import asyncio
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Self

from pydantic import Field, SecretStr, field_validator

from shared.auth.named_user import NamedUser
from shared.auth.tickets import TicketKey, is_ticket
from shared.clients.secrets import Secret, Secrets, is_reference
from shared.errors import DependencyUnavailable
from shared.settings import Settings

DEFAULT_USER = NamedUser("default", is_shared=True)
"""The user of all bare keys."""

_MIN_KEY_CHARACTERS = 8
_USER_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._@+-]{0,62}[A-Za-z0-9])?")
_RETRY_AFTER_S = 30


@dataclass(frozen=True)
class ApiKey:
    """An API key and its user. The key itself is not kept."""

    digest: bytes
    user: NamedUser
    tickets: TicketKey

    @classmethod
    def of(cls, entry: str) -> Self:
        """Parse `user=key`, or a bare key of the user `default`.

        A key may contain `=`. So an entry is a pair only if a user name stands before the first `=`
        and a key of sufficient length after it.

        Raises:
            ValueError: the key is too short; the message does not contain it.
        """
        name, _, key = entry.partition("=")
        if len(key) >= _MIN_KEY_CHARACTERS and _USER_NAME.fullmatch(name):
            return cls._of_user(key, NamedUser(name))
        if len(entry) < _MIN_KEY_CHARACTERS:
            raise ValueError(f"each key must have {_MIN_KEY_CHARACTERS} characters or more")
        return cls._of_user(entry, DEFAULT_USER)

    @classmethod
    def _of_user(cls, key: str, user: NamedUser) -> Self:
        digest = _digest(key)
        tickets = TicketKey(digest)
        return cls(digest, replace(user, tickets=tickets), tickets)


def parse_api_keys(text: str) -> tuple[ApiKey, ...]:
    """Parse the comma-separated entries of `API_KEYS`.

    Raises:
        ValueError: a key is too short.
    """
    entries = (entry.strip() for entry in text.split(","))
    return tuple(ApiKey.of(entry) for entry in entries if entry)


class ApiKeySettings(Settings):
    """The API keys of the users whom the operator of the server admits."""

    keys: SecretStr | None = Field(default=None, validation_alias="API_KEYS")
    """The keys as comma-separated `user=key` pairs; one without a user is of the user `default`.

    Each key has 8 characters or more. All holders of a key without a user share their backups: each
    of them can read and delete the backups of all others.
    """

    @field_validator("keys")
    @classmethod
    def _check(cls, keys: SecretStr | None) -> SecretStr | None:
        if keys is not None and not is_reference(keys.get_secret_value()):
            parse_api_keys(keys.get_secret_value())
        return keys


class ApiKeys:
    """Finds the user of an API key."""

    def __init__(self, settings: ApiKeySettings, secrets: Secrets) -> None:
        self._secret: Secret = secrets.get(settings, "keys")
        self._text = ""
        self._keys: tuple[ApiKey, ...] = ()

    async def find(self, presented: str | None) -> NamedUser | None:
        """Return the user of the key; None if there is no key, or it is wrong.

        Raises:
            DependencyUnavailable: Secret Manager, which stores the keys, is unavailable, or a key
                in it is too short.
        """
        if not presented or not self._secret.is_set:
            return None
        digest = _digest(presented)
        # All keys, each in constant time: the duration must not reveal anything about a key.
        matching = [
            each for each in await self._current() if hmac.compare_digest(each.digest, digest)
        ]
        return matching[0].user if matching else None

    async def find_by_ticket(self, presented: str | None, now: datetime) -> NamedUser | None:
        """Return the user of the key that issued the ticket; None if no key did.

        Raises:
            DependencyUnavailable: as `find`.
        """
        if not presented or not is_ticket(presented) or not self._secret.is_set:
            return None
        keys = await self._current()
        return await asyncio.to_thread(_user_of_ticket, keys, presented, now)

    async def _current(self) -> tuple[ApiKey, ...]:
        text = await self._secret.value()
        if text != self._text:
            try:
                self._keys = parse_api_keys(text)
            except ValueError:
                raise DependencyUnavailable("the secret API_KEYS", _RETRY_AFTER_S) from None
            self._text = text
        return self._keys


def _user_of_ticket(keys: Iterable[ApiKey], presented: str, now: datetime) -> NamedUser | None:
    # All keys, as in `find`.
    matching = [each for each in keys if each.tickets.accepts(presented, now)]
    return matching[0].user if matching else None


def _digest(key: str) -> bytes:
    return sha256(key.encode()).digest()
