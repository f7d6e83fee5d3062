"""Every collection: its place, its expiry field, its fields without an index.

The table in `docs/data-model.md`, the TTL policies and the index exemptions follow this file.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Collection:
    """A collection, either at the top level or below each user."""

    name: str
    per_user: bool = False
    """True: the collection is at `users/{id}/{name}`."""

    ttl_field: str | None = None
    """The field with the time of expiry. None: the documents do not expire.

    The cleanup deletes an expired document within the hour, and Firestore typically within a day.
    """

    unindexed: tuple[str, ...] = ()
    """The fields without an index. No query filters by them; an index costs storage and time."""

    max_deleted: int | None = None
    """The number of documents that one commit may delete. None: 100, as of all small documents.

    Firestore accepts 10 MiB per commit, which includes the deleted documents.
    """

    def deletion_page(self, page_size: int) -> int:
        """Return the number of documents to delete in one commit, up to `page_size`."""
        return page_size if self.max_deleted is None else min(page_size, self.max_deleted)


PROFILE_FIELDS = (
    "encrypted_current_plan",
    "encrypted_name",
    "encryption_iv",
    "rsa_public_key",
    "picture",
)
EVENT_SUMMARY_FIELDS = (
    "recent_events",
    "recent_events_since",
    "older_events_until",
    "last_event_at",
)
"""The summary of a user's events in the user's document, see `shared/store/event_summary.py`."""

USERS = Collection(
    "users",
    unindexed=(
        "password_hash",
        "password_salt",
        "last_accessed",
        *PROFILE_FIELDS,
        *EVENT_SUMMARY_FIELDS,
    ),
)
LOOKUPS = Collection("lookups", unindexed=("user_id",))
PICTURE_PARTS = Collection("picture_parts", per_user=True, unindexed=("content", "version"))
EVENTS = Collection(
    "events",
    per_user=True,
    # Expiry fields keep their index: the cleanup queries by them.
    ttl_field="expiry",
    unindexed=("encrypted_payload", "encrypted_iv"),
)
FOLLOW_SECRETS = Collection("follow_secrets", per_user=True, unindexed=("created_at",))
INBOX = Collection("inbox", per_user=True, ttl_field="expires_at", unindexed=("encrypted_message",))
# At the top level and not below the owner: a link contains only the id of the item.
SHARED_ITEMS = Collection(
    "shared_items",
    ttl_field="expiry",
    unindexed=("encrypted_payload", "encryption_iv"),
    max_deleted=64,  # of 128 KiB each
)

OF_USERS = (USERS, LOOKUPS, PICTURE_PARTS, EVENTS, FOLLOW_SECRETS, INBOX, SHARED_ITEMS)
"""The collections with documents of users. An account's deletion also deletes these documents."""

DELETIONS = Collection("deletions")
"""One document per deleted user, until all documents of the user are deleted."""

VERIFICATIONS = Collection(
    "verifications", ttl_field="expires_at", unindexed=("verified_at", "purchase_sha256")
)
RATE_LIMITS = Collection("rate_limits", ttl_field="expires_at", unindexed=("passed",))
"""The ids are SHA-256 hashes of purchase tokens and of purchase ids. Neither leads to a user."""

CLEANUP_RUNS = Collection("cleanup_runs", ttl_field="expires_at", unindexed=("passes",))

# The name in the database is older than the class: a rename would lose the stored positions.
SCAN_POSITIONS = Collection("patrols", unindexed=("place",))
"""The positions of scans that take several runs of the cleanup."""

ALL = (*OF_USERS, DELETIONS, VERIFICATIONS, RATE_LIMITS, CLEANUP_RUNS, SCAN_POSITIONS)
