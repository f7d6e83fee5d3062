"""A user of the app with data in every collection of users, through the reference client."""

from dataclasses import dataclass
from typing import Any, Self

import httpx

from scripts.client.api import to_text
from scripts.client.person import BEFORE_ALL_EVENTS, Person
from tests.scripts.self_hosted.installation import RunningServer

_PICTURE = bytes(range(256)) * 7000  # more than one part
_PLAN_KEY = bytes(16)


@dataclass(frozen=True)
class Alice:
    """The user, and what its app stores."""

    person: Person
    follow_secret: str
    plan: str

    @classmethod
    async def create(cls, server: RunningServer, http: httpx.AsyncClient) -> Self:
        """Create the user and its data."""
        api = server.api(http)
        person = await Person.create(api)
        await person.publish_profile("Alice")
        profile = await api.call("GET", f"/user/{person.id}")
        body = {"id": person.id, "password": person.password, **profile}
        await api.call("PUT", "/user", {**body, "encryptedProfilePicture": to_text(_PICTURE)})
        for number in range(3):
            await person.publish(f"workout {number}".encode())
        await person.send(await api.profile(person.id), {"kind": "note"})
        return cls(person, await person.allow_follower(), await person.share_plan(b"p", _PLAN_KEY))

    async def read(self, server: RunningServer, http: httpx.AsyncClient) -> dict[str, Any]:
        """Return all that the app reads."""
        api = server.api(http)
        follows = {"userId": self.person.id, "followSecret": self.follow_secret}
        feed = {"users": [{**follows, "since": BEFORE_ALL_EVENTS}]}
        return {
            "profile": await api.call("GET", f"/user/{self.person.lookup}"),
            "events": await api.call("POST", "/events", feed),
            "plan": await api.call("GET", f"/shareditem/{self.plan}"),
        }

    async def take_messages(self, server: RunningServer, http: httpx.AsyncClient) -> int:
        """Empty the inbox; return the number of messages."""
        inbox = await server.api(http).call("POST", "/inbox", self.person.credentials)
        return len(inbox["inboxMessages"])
