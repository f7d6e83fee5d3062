"""The places of documents in the data model."""

import re
from dataclasses import dataclass
from typing import Self

from shared.store.data_model import ALL, USERS, Collection

_MAX_ID_BYTES = 1500
# Firestore reserves these ids.
_RESERVED = re.compile(r"\.\.?|__.*__", re.DOTALL)
# Errors show the names of unknown collections, but not any text of a damaged file.
_NAME = re.compile(r"[\w-]{1,100}(/[\w-]{1,100})?", re.ASCII)
_COLLECTIONS = {(each.per_user, each.name): each for each in ALL}
_OF_PATH_LENGTH = {2: False, 4: True}


class UnknownCollectionError(Exception):
    """The data model has no such collection. The message is its name."""


@dataclass(frozen=True)
class Place:
    """The place of a document."""

    collection: Collection
    id: str
    user_id: str | None = None
    """The owner of a document in a collection below users."""

    @property
    def path(self) -> str:
        """The path, for example `users/USER/events/EVENT`."""
        if self.user_id is None:
            return f"{self.collection.name}/{self.id}"
        return f"{USERS.name}/{self.user_id}/{self.collection.name}/{self.id}"

    @classmethod
    def of(cls, path: str) -> Self:
        """Return the place with this path.

        Raises:
            UnknownCollectionError: the collection is not in the data model.
            ValueError: not a path of a document.
        """
        parts = path.split("/")
        if len(parts) not in _OF_PATH_LENGTH:
            raise ValueError("not a path of a document")
        ids = parts[1::2]
        if any(not _is_valid(each) for each in ids):
            raise ValueError("an id in the path is invalid")
        name = "/".join(parts[::2])
        if not _NAME.fullmatch(name):
            raise ValueError("the name of a collection is invalid")
        collection = _COLLECTIONS.get((_OF_PATH_LENGTH[len(parts)], parts[-2]))
        if collection is None or (collection.per_user and parts[0] != USERS.name):
            raise UnknownCollectionError(name)
        return cls(collection, ids[-1], ids[0] if collection.per_user else None)


def _is_valid(document_id: str) -> bool:
    return 0 < len(document_id.encode()) <= _MAX_ID_BYTES and not _RESERVED.fullmatch(document_id)
