"""Documents as the store reads them, decoded straight from Firestore's wire format."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.timestamps import from_micros

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_document import AsyncDocumentReference


@dataclass(frozen=True)
class Document:
    """A document that exists."""

    reference: "AsyncDocumentReference"
    fields: dict[str, Any]
    version: Any
    """The time of its last write, as a protobuf timestamp. For preconditions and comparison."""

    @property
    def id(self) -> str:
        """The last part of its path."""
        return str(self.reference.id)


def decode(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plain values of a document's protobuf fields.

    The client library does the same through wrappers and deep copies, which takes most of the CPU
    of a large read. Knows the types that we store: null, boolean, integer, double, string, bytes,
    timestamp (as an aware `datetime` in UTC, to the microsecond), list and map.

    Source: https://cloud.google.com/firestore/docs/reference/rpc/google.firestore.v1#value
    """
    return {name: _decode_value(value) for name, value in fields.items()}


def _decode_value(value: Any) -> object:  # noqa: ANN401 - protobuf classes are made at run time
    kind = value.WhichOneof("value_type")
    match kind:
        case "null_value":
            return None
        case "timestamp_value":
            instant = value.timestamp_value
            return from_micros(instant.seconds * 1_000_000 + instant.nanos // 1000)
        case "array_value":
            return [_decode_value(each) for each in value.array_value.values]
        case "map_value":
            return decode(value.map_value.fields)
        case _:
            return getattr(value, kind)
