"""SignalR's JSON hub protocol: handshake, records and messages; pure.

Source: https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md
("HubProtocol" below), TransportProtocols.md beside it, and contract, heading "Chat".
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic_core import from_json, to_json

RECORD_SEPARATOR = "\x1e"

# The contract requires messages of 64 KiB. A shared program of a year has some hundred KiB.
MAX_TEXT_CHARACTERS = 256 * 1024

# JSON may escape a character as six. The rest is for the fields of an invocation.
MAX_RECORD_CHARACTERS = 6 * MAX_TEXT_CHARACTERS + 1024

# Some clients send version 0 for the same protocol. The original server accepts it, too.
_VERSIONS = (0, 1)

# Clients choose the ids, and the server keeps them until the completion.
_MAX_ID_CHARACTERS = 256
_MAX_TARGET_CHARACTERS = 256
_MAX_RECORD_PARTS = 1000

# More than any method of the hubs has. Invocations wait with their arguments.
_MAX_ARGUMENTS = 16

_INVOCATION = 1
_COMPLETION = 3
_STREAM_INVOCATION = 4
_CANCEL_INVOCATION = 5
_PING = 6
_CLOSE = 7


class ProtocolError(Exception):
    """The client violates the protocol. The message is sent to the client."""


@dataclass(frozen=True)
class Invocation:
    """The client invokes a method of the hub."""

    target: str
    arguments: Sequence[object]
    id: str | None = None
    """None: the client expects no completion."""

    expects_stream: bool = False
    sends_streams: bool = False


@dataclass(frozen=True)
class CancelInvocation:
    """The client cancels an invocation."""

    id: str


@dataclass(frozen=True)
class Close:
    """The client closes the connection."""


Message = Invocation | CancelInvocation | Close


class RecordReader:
    """Joins frames to records. A frame may hold many records, or a part of one."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0

    def feed(self, frame: str) -> list[str]:
        """Return the records that end in `frame`.

        Raises:
            ProtocolError: a record is too long.
        """
        *ends, rest = frame.split(RECORD_SEPARATOR)
        records = [self._finish(end) for end in ends]
        self._add(rest)
        return records

    def _finish(self, end: str) -> str:
        self._add(end)
        record = "".join(self._parts)
        self._parts, self._length = [], 0
        return record

    def _add(self, part: str) -> None:
        self._length += len(part)
        if self._length > MAX_RECORD_CHARACTERS:
            raise ProtocolError(f"a message is longer than {MAX_RECORD_CHARACTERS} characters")
        if part:
            self._parts.append(part)
        # Parts of one character would need a hundred times the memory of the text.
        if len(self._parts) > _MAX_RECORD_PARTS:
            self._parts = ["".join(self._parts)]


def check_handshake(record: str) -> None:
    """Return if the record is a handshake for a supported protocol.

    Source: HubProtocol, "Overview".

    Raises:
        ProtocolError: it is not.
    """
    content = _parse_object(record)
    if not isinstance(content.get("protocol"), str):
        raise ProtocolError("the first message must be a handshake")
    if content["protocol"] != "json":
        raise ProtocolError("only the protocol 'json' is supported")
    if content.get("version") not in _VERSIONS:
        raise ProtocolError("only version 1 of the protocol is supported")


def parse_message(record: str) -> Message | None:
    """Return the message in a record; None for one that this server ignores.

    It ignores pings, stream items, completions, and acknowledgements of a stateful reconnect. It
    also ignores unknown types, because a later version of the protocol may add them.

    Source: HubProtocol, "JSON Encoding".

    Raises:
        ProtocolError: the record is not a message, or a required field is missing.
    """
    content = _parse_object(record)
    kind = content.get("type")
    if not isinstance(kind, int) or isinstance(kind, bool):
        raise ProtocolError("a message must have a type")
    if kind in (_INVOCATION, _STREAM_INVOCATION):
        return _parse_invocation(content, is_stream=kind == _STREAM_INVOCATION)
    if kind == _CANCEL_INVOCATION:
        return CancelInvocation(_parse_id(content, "a cancellation"))
    return Close() if kind == _CLOSE else None


def write_handshake_response(error: str | None = None) -> str:
    """Return the response to a handshake."""
    return _write_record({} if error is None else {"error": error})


def write_invocation(target: str, argument: object) -> str:
    """Return an invocation of a client's method, without a completion.

    The field `invocationId` is absent: clients take null for an id.
    """
    return _write_record({"type": _INVOCATION, "target": target, "arguments": [argument]})


def write_completion(invocation_id: str, error: str | None = None) -> str:
    """Return the completion of an invocation. No method of the hubs has a result."""
    fields = {} if error is None else {"error": error}
    return _write_record({"type": _COMPLETION, "invocationId": invocation_id, **fields})


def write_close(error: str | None = None, *, allow_reconnect: bool = False) -> str:
    """Return the last message of a connection."""
    fields: dict[str, object] = {} if error is None else {"error": error}
    if allow_reconnect:
        fields["allowReconnect"] = True
    return _write_record({"type": _CLOSE, **fields})


def _write_record(content: Mapping[str, object]) -> str:
    return to_json(content).decode() + RECORD_SEPARATOR


PING = _write_record({"type": _PING})


def _parse_object(record: str) -> Mapping[str, object]:
    try:
        content = _parse_json(record)
    except (ValueError, RecursionError):
        raise ProtocolError("a message is not JSON") from None
    if not isinstance(content, Mapping):
        raise ProtocolError("a message must be an object")
    return content


def _parse_json(record: str) -> object:
    try:
        content: object = from_json(record)
    except ValueError:
        # JavaScript may send half of a surrogate pair. Only Python's own parser accepts that.
        content = _replace_surrogates(json.loads(record))
    return content


def _replace_surrogates(value: object) -> object:
    """Replace lone surrogates: UTF-8 cannot encode them."""
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [_replace_surrogates(each) for each in value]
        case dict():
            return {
                _replace_surrogates(name): _replace_surrogates(each) for name, each in value.items()
            }
        case _:
            return value


def _parse_invocation(content: Mapping[str, object], *, is_stream: bool) -> Invocation:
    target, arguments = content.get("target"), content.get("arguments")
    if not isinstance(target, str) or not isinstance(arguments, list):
        raise ProtocolError("an invocation must have a target and arguments")
    if len(target) > _MAX_TARGET_CHARACTERS:
        raise ProtocolError("a target is too long")
    if any(isinstance(each, str) and len(each) > MAX_TEXT_CHARACTERS for each in arguments):
        raise ProtocolError(f"a text is longer than {MAX_TEXT_CHARACTERS} characters")
    has_id = is_stream or content.get("invocationId") is not None
    return Invocation(
        target,
        [_without_content(each) for each in arguments[:_MAX_ARGUMENTS]],
        _parse_id(content, "an invocation") if has_id else None,
        expects_stream=is_stream,
        sends_streams=bool(content.get("streamIds")),
    )


def _without_content(argument: object) -> object:
    """Empty a list or an object: no method of the hubs takes one, and it may be large."""
    return type(argument)() if isinstance(argument, list | dict) else argument


def _parse_id(content: Mapping[str, object], message: str) -> str:
    found = content.get("invocationId")
    if not isinstance(found, str) or len(found) > _MAX_ID_CHARACTERS:
        raise ProtocolError(f"{message} must have an id of at most {_MAX_ID_CHARACTERS} characters")
    return found
