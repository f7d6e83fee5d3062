"""SignalR's JSON hub protocol: handshake, records and messages; pure.

Source: https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md
("HubProtocol" below), TransportProtocols.md beside it, and contract, heading "Chat".
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json, to_json

END_OF_RECORD = "\x1e"
LONGEST_RECORD = 256 * 1024
"""In characters; the contract wants 64 KiB accepted, and JSON may escape many of them."""

_VERSIONS = (0, 1)
"""Some clients say 0, and mean the same; the original server takes that, too."""

_LONGEST_ID = 256
_MOST_PIECES = 1000

_INVOCATION = 1
_COMPLETION = 3
_STREAM_INVOCATION = 4
_CANCEL_INVOCATION = 5
_PING = 6
_CLOSE = 7


class ProtocolError(Exception):
    """The client breaks the protocol; the message may be shown to it."""


@dataclass(frozen=True)
class Invocation:
    """The client calls a method of the hub."""

    target: str
    arguments: Sequence[Any]
    id: str | None = None
    """None: it wants no answer."""

    wants_stream: bool = False
    brings_streams: bool = False


@dataclass(frozen=True)
class CancelInvocation:
    """The client no longer wants what it called for."""

    id: str


@dataclass(frozen=True)
class Close:
    """The client hangs up."""


Message = Invocation | CancelInvocation | Close


class RecordReader:
    """Puts records together from frames, however these cut and join them."""

    def __init__(self) -> None:
        self._begun: list[str] = []
        self._length = 0

    def feed(self, frame: str) -> list[str]:
        """Return the records that end in `frame`.

        Raises:
            ProtocolError: a record is longer than any may be.
        """
        *ends, begun = frame.split(END_OF_RECORD)
        records = [self._finished(end) for end in ends]
        self._keep(begun)
        return records

    def _finished(self, end: str) -> str:
        self._keep(end)
        record = "".join(self._begun)
        self._begun, self._length = [], 0
        return record

    def _keep(self, part: str) -> None:
        self._length += len(part)
        if self._length > LONGEST_RECORD:
            raise ProtocolError(f"a message is longer than {LONGEST_RECORD} characters")
        if part:
            self._begun.append(part)
        if len(self._begun) > _MOST_PIECES:  # one letter each, they take a hundred times their room
            self._begun = ["".join(self._begun)]


def check_handshake(record: str) -> None:
    """Return if the client wants what we speak.

    Source: HubProtocol, "Overview".

    Raises:
        ProtocolError: it does not, or this is no handshake.
    """
    content = _object(record)
    if not isinstance(content.get("protocol"), str):
        raise ProtocolError("the first message must be a handshake")
    if content["protocol"] != "json":
        raise ProtocolError("only the protocol 'json' is spoken here")
    if content.get("version") not in _VERSIONS:
        raise ProtocolError("only version 1 of the protocol is spoken here")


def message(record: str) -> Message | None:
    """Return what the client says; None for what a hub like ours may ignore.

    That are pings, what belongs to streams that we never asked for, acknowledgements of a stateful
    reconnect that we never offered, and types that are unknown: they may come with a later version.

    Source: HubProtocol, "JSON Encoding".

    Raises:
        ProtocolError: it is no message, or misses what its type requires.
    """
    content = _object(record)
    kind = content.get("type")
    if not isinstance(kind, int) or isinstance(kind, bool):
        raise ProtocolError("a message must have a type")
    if kind in (_INVOCATION, _STREAM_INVOCATION):
        return _invocation(content, is_stream=kind == _STREAM_INVOCATION)
    if kind == _CANCEL_INVOCATION:
        return CancelInvocation(_id(content, "a cancellation"))
    return Close() if kind == _CLOSE else None


def handshake_response(error: str | None = None) -> str:
    """Return the answer to a handshake."""
    return _record({} if error is None else {"error": error})


def invocation(target: str, argument: Any) -> str:  # noqa: ANN401 - whatever pydantic can write
    """Return a call of the client's method, which it must not answer.

    It has no `invocationId` at all: null would be read as one.
    """
    return _record({"type": _INVOCATION, "target": target, "arguments": [argument]})


def completion(invocation_id: str, error: str | None = None) -> str:
    """Return the end of what the client called for; no method of ours has a result."""
    fields = {} if error is None else {"error": error}
    return _record({"type": _COMPLETION, "invocationId": invocation_id, **fields})


def close(error: str | None = None, *, allow_reconnect: bool = False) -> str:
    """Return the last message of a connection."""
    fields: dict[str, Any] = {} if error is None else {"error": error}
    if allow_reconnect:
        fields["allowReconnect"] = True
    return _record({"type": _CLOSE, **fields})


PING = to_json({"type": _PING}).decode() + END_OF_RECORD


def _record(content: Mapping[str, Any]) -> str:
    return to_json(content).decode() + END_OF_RECORD


def _object(record: str) -> Mapping[str, Any]:
    try:
        content = _parsed(record)
    except (ValueError, RecursionError):
        raise ProtocolError("a message is not JSON") from None
    if not isinstance(content, Mapping):
        raise ProtocolError("a message must be an object")
    return content


def _parsed(record: str) -> Any:  # noqa: ANN401 - JSON
    try:
        return from_json(record)
    except ValueError:
        # JavaScript may send half a character, where a text was cut; that parser takes none.
        return _whole(json.loads(record))


def _whole(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Replace half characters, which could not be sent on."""
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [_whole(each) for each in value]
        case dict():
            return {_whole(name): _whole(each) for name, each in value.items()}
        case _:
            return value


def _invocation(content: Mapping[str, Any], *, is_stream: bool) -> Invocation:
    target, arguments = content.get("target"), content.get("arguments")
    if not isinstance(target, str) or not isinstance(arguments, list):
        raise ProtocolError("an invocation must have a target and arguments")
    has_id = is_stream or content.get("invocationId") is not None
    return Invocation(
        target,
        arguments,
        _id(content, "an invocation") if has_id else None,
        wants_stream=is_stream,
        brings_streams=bool(content.get("streamIds")),
    )


def _id(content: Mapping[str, Any], what: str) -> str:
    found = content.get("invocationId")
    if not isinstance(found, str) or len(found) > _LONGEST_ID:
        raise ProtocolError(f"{what} must have an id of at most {_LONGEST_ID} characters")
    return found
