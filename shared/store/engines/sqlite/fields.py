"""Field paths, projections, and updates of single fields."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from google.cloud.firestore_v1.field_path import FieldPath
from google.cloud.firestore_v1.types import Document

from shared.store.engines.sqlite.support import require

if TYPE_CHECKING:
    from google.protobuf.message import Message

_Document = Document.pb()


def field_name(path: str) -> str:
    """Return the name of a top-level field from its path in a request.

    Raises:
        NotImplementedError: the field is inside a map.
    """
    parts = FieldPath.from_api_repr(path).parts
    require(len(parts) == 1, "a field inside a map")
    return str(parts[0])


def selected(document: "Message", fields: Iterable[str]) -> "Message":
    """Return a document with only these top-level fields of `document`."""
    result = _Document()
    for field in fields:
        if field in document.fields:
            result.fields[field].CopyFrom(document.fields[field])
    return result


def merged(document: "Message", update: "Message", mask: Iterable[str]) -> "Message":
    """Return `document` with the fields of `mask` taken from `update`; without those it lacks."""
    result = _Document()
    result.CopyFrom(document)
    for path in mask:
        parts = FieldPath.from_api_repr(path).parts
        value = _find(update.fields, parts)
        if value is None:
            _delete(result.fields, parts)
        else:
            _put(result.fields, parts, value)
    return result


def _find(fields: "Message", parts: Sequence[str]) -> "Message | None":
    for part in parts[:-1]:
        if part not in fields:
            return None
        fields = fields[part].map_value.fields
    return fields.get(parts[-1])


def _put(fields: "Message", parts: Sequence[str], value: "Message") -> None:
    for part in parts[:-1]:
        # Another value than a map is replaced. `SetInParent` makes it a map, even an empty one.
        fields[part].map_value.SetInParent()
        fields = fields[part].map_value.fields
    fields[parts[-1]].CopyFrom(value)


def _delete(fields: "Message", parts: Sequence[str]) -> None:
    for part in parts[:-1]:
        if part not in fields or fields[part].WhichOneof("value_type") != "map_value":
            return
        fields = fields[part].map_value.fields
    if parts[-1] in fields:
        del fields[parts[-1]]
