"""The entries of the index: which fields of a document have one, and where it is."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from shared.store.data_model import ALL, Collection
from shared.store.engines.sqlite.keys import key_of_bytes
from shared.store.engines.sqlite.values import key_of_value

if TYPE_CHECKING:
    from google.protobuf.message import Message

_COLLECTION, _GROUP = b"c", b"g"


class Indexes:
    """The indexed fields of all collections, as the data model declares them.

    A field has one index: with the scope of its collection, or of all collections with the same
    name for the expiry field of a collection below users. Only the cleanup queries by that one.
    """

    def __init__(self, collections: Sequence[Collection] = ALL) -> None:
        self._collections = {collection.name: collection for collection in collections}

    @property
    def declaration(self) -> str:
        """A text that changes if another field is indexed."""
        return ";".join(
            f"{c.name},{c.per_user},{c.ttl_field},{','.join(c.unindexed)}"
            for c in self._collections.values()
        )

    def entries(
        self, collection: bytes, name: str, document: bytes, fields: "Message"
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield the scope and the position of each entry of a document.

        Args:
            collection: the key of the collection's path.
            name: the name of the collection.
            document: the key of the document's id.
            fields: the fields of the document.
        """
        declared = self._declared(name)
        for field, value in fields.items():
            if field in declared.unindexed:
                continue
            if self._is_of_group(declared, field):
                yield group_scope(name, field), key_of_value(value) + collection + document
            else:
                yield collection_scope(collection, field), key_of_value(value) + document

    def is_indexed(self, name: str, field: str, *, is_group: bool) -> bool:
        """Return whether a query of the collection or of its group can use `field`."""
        declared = self._declared(name)
        return field not in declared.unindexed and is_group == self._is_of_group(declared, field)

    def _declared(self, name: str) -> Collection:
        return self._collections.get(name) or Collection(name)

    @staticmethod
    def _is_of_group(declared: Collection, field: str) -> bool:
        return declared.per_user and field == declared.ttl_field


def collection_scope(collection: bytes, field: str) -> bytes:
    """Return the scope of a field in one collection, by the key of the collection's path."""
    return _COLLECTION + collection + key_of_bytes(field.encode())


def group_scope(name: str, field: str) -> bytes:
    """Return the scope of a field in all collections with this name."""
    return _GROUP + key_of_bytes(name.encode()) + key_of_bytes(field.encode())
