"""Requests of apps, as they are measured: one action per request of the contract."""

import itertools
import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from scripts.benchmarks.load import Action, Client
from scripts.benchmarks.sample_users import EVENT_BYTES, FOLLOW_SECRET, PASSWORD

_IV = b64encode(b"i" * 16).decode()
_NAME = b64encode(b"n" * 64).decode()
_PUBLIC_KEY = b64encode(b"k" * 294).decode()
"""The size is that of an RSA key of 2048 bits in DER."""

_MESSAGE_PART = b64encode(b"m" * 256).decode()


@dataclass(frozen=True)
class SampleRequests:
    """The requests of one client.

    Args:
        user_id: a sample user, who sends the requests.
        followed: the users that the client follows.
        new_since: a time before the last event of each of them.
        payload_bytes: the size of an event and of a shared item.
        plan_bytes: the size of a plan; 0 for a profile without a plan.
    """

    user_id: UUID
    followed: Sequence[UUID]
    new_since: datetime
    payload_bytes: int = EVENT_BYTES
    plan_bytes: int = 0

    def actions(self) -> dict[str, Action]:
        """Return the actions by their name in the tables."""
        return {
            "POST /user/create": self._create_user,
            "GET /user/{id}": self._read_profile(),
            "PUT /user": self._put_profile,
            "PUT /event": self._put_event,
            "POST /events, none new": self._read_feed(datetime.now(UTC) + timedelta(days=1)),
            f"POST /events, {len(self.followed)} new": self._read_feed(self.new_since),
            "PUT /follow-secret": self._put_follow_secret,
            "PUT + POST /inbox": self._send_and_take_message,
            "POST + GET /shareditem": self._share_and_read,
        }

    def _body(self, *, user_field: str = "userId", **fields: object) -> bytes:
        return json.dumps({user_field: str(self.user_id), "password": PASSWORD, **fields}).encode()

    def _create_user(self, client: Client) -> None:
        client.call("POST", "/v2/user/create", b"{}")

    def _read_profile(self) -> Action:
        users = itertools.cycle(self.followed)

        def read(client: Client) -> None:
            client.call("GET", f"/v2/user/{next(users)}")

        return read

    def _put_profile(self, client: Client) -> None:
        profile = {
            "encryptedCurrentPlan": _base64(self.plan_bytes) if self.plan_bytes else None,
            "encryptedName": _NAME,
            "encryptionIV": _IV,
            "rsaPublicKey": _PUBLIC_KEY,
        }
        client.call("PUT", "/v2/user", self._body(user_field="id", **profile))

    def _put_event(self, client: Client) -> None:
        event = {
            "eventId": str(uuid4()),
            "encryptedEventPayload": _base64(self.payload_bytes),
            "encryptedEventIV": _IV,
            "expiry": _tomorrow(),
        }
        client.call("PUT", "/v2/event", self._body(**event))

    def _read_feed(self, since: datetime) -> Action:
        users = [
            {"userId": str(i), "followSecret": FOLLOW_SECRET, "since": since.isoformat()}
            for i in self.followed
        ]
        body = json.dumps({"users": users}).encode()

        def read(client: Client) -> None:
            client.call("POST", "/v2/events", body)

        return read

    def _put_follow_secret(self, client: Client) -> None:
        client.call("PUT", "/v2/follow-secret", self._body(followSecret=uuid4().hex))

    def _send_and_take_message(self, client: Client) -> None:
        message = {"toUserId": str(self.user_id), "encryptedMessage": [_MESSAGE_PART] * 4}
        client.call("PUT", "/v2/inbox", json.dumps(message).encode())
        client.call("POST", "/v2/inbox", self._body())

    def _share_and_read(self, client: Client) -> None:
        payload = {"encryptedPayload": _base64(self.payload_bytes), "iv": {"value": _IV}}
        body = self._body(encryptedPayload=payload, expiry=_tomorrow())
        item = json.loads(client.call("POST", "/v2/shareditem", body))
        client.call("GET", f"/v2/shareditem/{item['id']}")


def _base64(size_bytes: int) -> str:
    return b64encode(b"x" * size_bytes).decode()


def _tomorrow() -> str:
    return (datetime.now(UTC) + timedelta(days=1)).isoformat()
