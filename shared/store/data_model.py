"""Every collection: where its documents lie, when they expire, what is not indexed.

The table in `docs/data-model.md`, the TTL policies and the index exemptions follow this file.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_client import AsyncClient
    from google.cloud.firestore_v1.async_collection import AsyncCollectionReference
    from google.cloud.firestore_v1.async_document import AsyncDocumentReference
    from google.cloud.firestore_v1.async_query import AsyncCollectionGroup


@dataclass(frozen=True)
class Collection:
    """A collection, at the top or below each user.

    `ttl_field` is the instant after which a document is of no use: the cleanup deletes it within
    the hour, Firestore some day. `unindexed` fields are never asked for in a query, so an index of
    them would only cost storage and time.
    """

    name: str
    per_user: bool = False
    ttl_field: str | None = None
    unindexed: tuple[str, ...] = ()

    def of(
        self, client: "AsyncClient", user_id: UUID | str | None = None
    ) -> "AsyncCollectionReference":
        """Return the collection itself: for a collection below users, the one of `user_id`."""
        if self.per_user:
            return client.collection(USERS.name, str(user_id), self.name)
        return client.collection(self.name)

    def everywhere(
        self, client: "AsyncClient"
    ) -> "AsyncCollectionReference | AsyncCollectionGroup":
        """Return what to ask for documents of all users.

        Below users that takes an index of the field, with the scope of the collection group.
        """
        return client.collection_group(self.name) if self.per_user else self.of(client)


PROFILE_FIELDS = (
    "encrypted_current_plan",
    "encrypted_name",
    "encryption_iv",
    "rsa_public_key",
    "picture",
)
NEWS_FIELDS = ("recent_events", "recent_events_since", "older_events_until", "last_event_at")
"""What a user's document says of their events, see `shared/store/events.py`."""

USERS = Collection(
    "users",
    unindexed=(
        "password_hash",
        "password_salt",
        "last_accessed",
        *PROFILE_FIELDS,
        *NEWS_FIELDS,
    ),
)
LOOKUPS = Collection("lookups", unindexed=("user_id",))
PICTURE_PARTS = Collection("picture_parts", per_user=True, unindexed=("content", "version"))
EVENTS = Collection(
    "events",
    per_user=True,
    ttl_field="expiry",
    unindexed=("encrypted_payload", "encrypted_iv"),
)
FOLLOW_SECRETS = Collection("follow_secrets", per_user=True, unindexed=("created_at",))
INBOX = Collection("inbox", per_user=True, ttl_field="expires_at", unindexed=("encrypted_message",))
SHARED_ITEMS = Collection(
    "shared_items", ttl_field="expiry", unindexed=("encrypted_payload", "encryption_iv")
)

OF_USERS = (USERS, LOOKUPS, PICTURE_PARTS, EVENTS, FOLLOW_SECRETS, INBOX, SHARED_ITEMS)
"""What belongs to users, and goes with them."""

DELETIONS = Collection("deletions")
"""Users who are gone, and of whom something may be left."""

VERIFICATIONS = Collection(
    "verifications", ttl_field="expires_at", unindexed=("verified_at", "purchase_sha256")
)
RATE_LIMITS = Collection("rate_limits", ttl_field="expires_at", unindexed=("passed",))
"""By the SHA-256 of a purchase token, and by that of a purchase's id. Neither leads to a user."""

CLEANUP_RUNS = Collection("cleanup_runs", ttl_field="expires_at", unindexed=("passes",))
PATROLS = Collection("patrols", unindexed=("place",))
"""Where walks over a collection have come to, which take many runs of the cleanup."""

ALL = (*OF_USERS, DELETIONS, VERIFICATIONS, RATE_LIMITS, CLEANUP_RUNS, PATROLS)


def user_document(client: "AsyncClient", user_id: UUID | str) -> "AsyncDocumentReference":
    """Return where the user lies; whatever is theirs can be read only while it is there."""
    return USERS.of(client).document(str(user_id))
