"""Streams of bytes in parts of one size."""

from collections.abc import AsyncGenerator, AsyncIterator


async def in_parts(chunks: AsyncIterator[bytes], part_bytes: int) -> AsyncGenerator[bytes, None]:
    """Yield the bytes of `chunks` in parts of `part_bytes`; only the last one may be smaller.

    Yields nothing if there are no bytes. Holds one part and one chunk at a time.
    """
    buffer = bytearray()
    async for chunk in chunks:
        buffer += chunk
        while len(buffer) >= part_bytes:
            part = bytes(buffer[:part_bytes])
            del buffer[:part_bytes]
            yield part
    if buffer:
        yield bytes(buffer)
