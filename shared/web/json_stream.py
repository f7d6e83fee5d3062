"""Streamed JSON responses: large responses are sent while the database is read."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

# Smaller chunks would cost more system calls, larger ones more memory per request.
_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True)
class JsonStream:
    """A JSON object in pieces. Its consumer holds one chunk of 64 KiB at a time."""

    pieces: AsyncIterator[bytes]

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the JSON in chunks of 64 KiB; the last one may be smaller or empty."""
        waiting = bytearray()
        async for piece in self.pieces:
            waiting += piece
            # A picture has megabytes, and a slow client would keep a copy of it here.
            del piece
            while len(waiting) > _CHUNK_BYTES:
                chunk = bytes(waiting[:_CHUNK_BYTES])
                del waiting[:_CHUNK_BYTES]
                yield chunk
        yield bytes(waiting)


def stream_list(
    name: str, items: AsyncIterator[BaseModel], others: Mapping[str, Sequence[str]]
) -> JsonStream:
    """Return `{name: [items], **others}`."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"{" + json.dumps(name).encode() + b":["
        separator = b""
        async for item in items:
            yield separator + item.model_dump_json().encode()
            separator = b","
        yield b"]"
        for other, content in others.items():
            yield f",{json.dumps(other)}:{json.dumps(content)}".encode()
        yield b"}"

    return JsonStream(pieces())


def stream_mapping(name: str, items: AsyncIterator[tuple[str, BaseModel]]) -> JsonStream:
    """Return `{name: {key: item, ...}}`."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"{" + json.dumps(name).encode() + b":{"
        separator = b""
        async for key, item in items:
            member = json.dumps(key).encode() + b":"
            yield separator + member + item.model_dump_json().encode()
            separator = b","
        yield b"}}"

    return JsonStream(pieces())
