"""A user of the app: identity, keys, followers and followed users."""

import json
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Self
from uuid import uuid4

from scripts.client import crypto
from scripts.client.api import Api, Profile, from_text, to_text

BEFORE_ALL_EVENTS = "2000-01-01T00:00:00Z"
EXPIRES_AFTER = timedelta(days=90)
"""The time from an event to its expiry, as the apps set it."""


@dataclass(frozen=True)
class Message:
    """A decrypted inbox message with a verified signature."""

    sender: Profile
    content: dict[str, str]


@dataclass(frozen=True)
class Follows:
    """A followed user: follow secret, and the keys that decrypt and verify events."""

    user_id: str
    follow_secret: str
    aes_key: bytes
    rsa_public_key: bytes


@dataclass(frozen=True)
class Workout:
    """A decrypted event of the feed with a verified signature."""

    event_id: str
    timestamp: str
    content: bytes

    @property
    def written(self) -> "WrittenWorkout":
        """The content, as apps of 2026 write it."""
        return WrittenWorkout(**json.loads(self.content))


@dataclass(frozen=True)
class WrittenWorkout:
    """The content of an event from an app of 2026."""

    text: str
    time: str
    """The time of the author's clock. Readers send it back as `since`."""


class Person:
    """A user. Each method is an action of the app."""

    def __init__(self, api: Api, user: dict[str, str]) -> None:
        self._api = api
        self.id = user["id"]
        self.lookup = user["lookup"]
        self.password = user["password"]
        self.aes_key = crypto.new_aes_key()

    @classmethod
    async def create(cls, api: Api) -> Self:
        """Create a user."""
        return cls(api, await api.call("POST", "/user/create", {}))

    @cached_property
    def keys(self) -> crypto.KeyPair:
        """The RSA keys, generated at first use."""
        return crypto.KeyPair.generate()

    @property
    def credentials(self) -> dict[str, str]:
        """User id and password, as most routes require them."""
        return {"userId": self.id, "password": self.password}

    async def publish_profile(self, name: str) -> None:
        """Publish the encrypted name and the public key."""
        sealed = crypto.seal(name.encode(), self.aes_key, self.keys)
        body = {
            "id": self.id,
            "password": self.password,
            "encryptedName": to_text(sealed.payload),
            "encryptionIV": to_text(sealed.iv),
            "rsaPublicKey": to_text(self.keys.public_key_der),
        }
        await self._api.call("PUT", "/user", body)

    async def send(self, receiver: Profile, content: dict[str, str]) -> None:
        """Send a signed message that only `receiver` can decrypt."""
        # Sign and send one text. A second serialization could have other bytes.
        text = json.dumps(content, sort_keys=True)
        signature = to_text(self.keys.sign(text.encode()))
        letter = json.dumps({"from": self.id, "text": text, "signature": signature})
        pieces = crypto.encrypt_to(receiver.rsa_public_key, letter.encode())
        body = {"toUserId": receiver.id, "encryptedMessage": [to_text(piece) for piece in pieces]}
        await self._api.call("PUT", "/inbox", body)

    async def take_messages(self) -> list[Message]:
        """Take the messages of the inbox.

        Raises:
            ForgedError: a message has no valid signature of its sender.
        """
        answer = await self._api.call("POST", "/inbox", self.credentials)
        return [await self._open(message) for message in answer["inboxMessages"]]

    async def _open(self, message: dict[str, Any]) -> Message:
        pieces = [from_text(piece) for piece in message["encryptedMessage"]]
        letter = json.loads(self.keys.decrypt(pieces))
        # Take the key from the profile: a key inside the message would prove nothing.
        sender = await self._api.profile(letter["from"])
        crypto.verify(
            letter["text"].encode(), from_text(letter["signature"]), sender.rsa_public_key
        )
        return Message(sender, json.loads(letter["text"]))

    async def allow_follower(self) -> str:
        """Create a follow secret. Its holder can read the events of this user."""
        secret = secrets.token_hex(20)
        await self._api.call("PUT", "/follow-secret", {**self.credentials, "followSecret": secret})
        return secret

    async def revoke(self, secret: str) -> None:
        """Revoke a follow secret."""
        body = {**self.credentials, "followSecret": secret}
        await self._api.call("POST", "/follow-secret/delete", body)

    async def publish_written(
        self, text: str, event_id: str | None = None, *, ahead: timedelta = timedelta()
    ) -> str:
        """Publish a workout as an app of 2026. Return its id.

        Args:
            text: the workout.
            event_id: the id of an event that it replaces.
            ahead: how far the author's clock is ahead of the true time.
        """
        time = datetime.now(UTC) + ahead
        content = json.dumps(asdict(WrittenWorkout(text, time.isoformat())))
        return await self.publish(content.encode(), event_id, time + EXPIRES_AFTER)

    async def publish(
        self, content: bytes, event_id: str | None = None, expiry: datetime | None = None
    ) -> str:
        """Publish an event that expires after 90 days, or at `expiry`. Return its id."""
        sealed = crypto.seal(content, self.aes_key, self.keys)
        # An existing id replaces that event.
        event_id = event_id or str(uuid4())
        body = {
            **self.credentials,
            "eventId": event_id,
            "encryptedEventPayload": to_text(sealed.payload),
            "encryptedEventIV": to_text(sealed.iv),
            "expiry": (expiry or datetime.now(UTC) + EXPIRES_AFTER).isoformat(),
        }
        await self._api.call("PUT", "/event", body)
        return event_id

    async def fetch(
        self, follows: Follows, since: str = BEFORE_ALL_EVENTS
    ) -> tuple[list[Workout], list[str]]:
        """Return the events of a followed user after `since`, and the invalid follow secrets.

        Raises:
            ForgedError: an event has no valid signature of its author.
        """
        user = {"userId": follows.user_id, "followSecret": follows.follow_secret, "since": since}
        answer = await self._api.call("POST", "/events", {"users": [user]})
        workouts = [_open_event(event, follows) for event in answer["events"]]
        return workouts, answer["invalidFollowSecrets"]

    async def share_plan(self, content: bytes, key: bytes) -> str:
        """Share an encrypted plan. Return the id of its link."""
        sealed = crypto.seal(content, key, self.keys)
        payload = {"encryptedPayload": to_text(sealed.payload), "iv": {"value": to_text(sealed.iv)}}
        expiry = (datetime.now(UTC) + EXPIRES_AFTER).isoformat()
        body = {**self.credentials, "encryptedPayload": payload, "expiry": expiry}
        answer = await self._api.call("POST", "/shareditem", body)
        return str(answer["id"])

    async def open_plan(self, item_id: str, key: bytes) -> bytes:
        """Read a shared plan.

        Raises:
            ForgedError: the plan has no valid signature of its owner.
        """
        item = await self._api.call("GET", f"/shareditem/{item_id}")
        payload = item["encryptedPayload"]
        return crypto.unseal(
            crypto.Encrypted(
                from_text(payload["encryptedPayload"]), from_text(payload["iv"]["value"])
            ),
            key,
            from_text(item["rsaPublicKey"]["spkiPublicKeyBytes"]),
        )

    async def delete(self, password: str | None = None) -> None:
        """Delete the user and all data of the user."""
        body = {"id": self.id, "password": password or self.password}
        await self._api.call("POST", "/user/delete", body)


def _open_event(event: dict[str, str], follows: Follows) -> Workout:
    sealed = crypto.Encrypted(
        from_text(event["encryptedEventPayload"]), from_text(event["encryptedEventIV"])
    )
    content = crypto.unseal(sealed, follows.aes_key, follows.rsa_public_key)
    return Workout(event["eventId"], event["timestamp"], content)
