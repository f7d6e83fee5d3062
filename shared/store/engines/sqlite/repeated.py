"""Several writes to one document in one commit: the combinations that Firestore rejects."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from google.api_core.exceptions import InvalidArgument

if TYPE_CHECKING:
    from google.protobuf.message import Message


def check_repeated(writes: "Sequence[Message]") -> None:
    """Check the writes that follow another write to the same document.

    Firestore combines the writes to a document before it reads the document. It rejects a
    precondition that an earlier write of the commit satisfies or violates.

    Raises:
        InvalidArgument: Firestore rejects the combination.
    """
    earlier: dict[str, tuple[Message, Message]] = {}
    for write in writes:
        name = write.delete or write.update.name
        if name in earlier:
            _check(*earlier[name], write)
        earlier[name] = (earlier[name][0] if name in earlier else write, write)


def _check(first: "Message", previous: "Message", write: "Message") -> None:
    is_deleted = previous.WhichOneof("operation") == "delete"
    condition = write.current_document
    match condition.WhichOneof("condition_type"):
        case "exists":
            is_rejected = condition.exists == is_deleted
        case "update_time":
            is_update_of_deleted = is_deleted and write.HasField("update")
            is_rejected = condition != first.current_document or is_update_of_deleted
        case _:
            is_rejected = False
    if is_rejected:
        raise InvalidArgument("a precondition depends on an earlier write of the same commit")
