"""Resource names of documents, and the keys of their collection and of their id."""

from dataclasses import dataclass

from shared.store.engines.sqlite.keys import key_of_path, path_of


@dataclass(frozen=True)
class DocumentKey:
    """The place of a document."""

    collection: bytes
    """The key of the path of its collection."""

    id: bytes
    """The key of its id."""

    collection_name: str
    """The last part of the path of its collection."""


class Names:
    """Translates resource names below `root` to keys and back."""

    def __init__(self, root: str) -> None:
        self._root = root

    def key(self, name: str) -> DocumentKey:
        """Return the key of a document.

        Raises:
            InvalidArgument: Firestore rejects an id of the path.
        """
        segments = self._segments(name)
        return DocumentKey(key_of_path(segments[:-1]), key_of_path(segments[-1:]), segments[-2])

    def collection(self, parent: str, name: str) -> bytes:
        """Return the key of the collection `name` below a document or the root."""
        return key_of_path([*self._segments(parent), name])

    def name(self, collection: bytes, document: bytes) -> str:
        """Return the resource name of a document."""
        return "/".join([self._root, *path_of(collection + document)])

    def _segments(self, name: str) -> list[str]:
        below = name.removeprefix(self._root).removeprefix("/")
        return below.split("/") if below else []
