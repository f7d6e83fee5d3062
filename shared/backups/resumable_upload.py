"""The upload of one object in parts, whose total size is known only at the end.

Cloud Storage shows the object only after the last part. A session that is not completed leaves
nothing, and expires after a week.

Source: https://cloud.google.com/storage/docs/performing-resumable-uploads
"""

import logging
import re
from contextlib import suppress
from http import HTTPStatus

import httpx2

from shared.backups.cloud_storage import CloudStorage
from shared.backups.storage_requests import MAX_ATTEMPTS, RetryableError, failed, pause
from shared.errors import DependencyUnavailable

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/gzip"
SHA256 = "sha256"
"""The name of the metadata with the hash of the content."""

_STORED = re.compile(r"bytes=0-(\d{1,15})", re.ASCII)
_COMPLETE = (HTTPStatus.OK, HTTPStatus.CREATED)


class ResumableUpload:
    """A new object. All parts except the last one have a multiple of 256 KiB."""

    def __init__(self, storage: CloudStorage, name: str) -> None:
        self._storage = storage
        self._name = name
        self._session: str | None = None
        self._sent_bytes = 0
        # Held back, because the last part is sent with the total size.
        self._pending = b""
        self._is_complete = False

    async def write(self, part: bytes) -> None:
        """Append a part, and send the previous one."""
        if self._pending:
            await self._send(self._pending, total_bytes=None)
        self._pending = part

    async def complete(self, sha256: str) -> None:
        """Send the last part, and make the object visible."""
        await self._send(self._pending, self._sent_bytes + len(self._pending))
        self._is_complete = True
        try:
            # The hash is known only after the session has started with its metadata.
            await self._storage.set_metadata(self._name, {SHA256: sha256})
        except DependencyUnavailable:
            # The backup is complete. Only a repeated upload is not recognised.
            logger.warning("the hash of a backup was not stored")

    async def discard(self) -> None:
        """Cancel an upload that is not complete."""
        if self._session is not None and not self._is_complete:
            with suppress(RetryableError, DependencyUnavailable):
                await self._storage.requests.attempt("DELETE", self._session)

    async def _send(self, part: bytes, total_bytes: int | None) -> None:
        """Send a part, and again what Cloud Storage did not store of it."""
        if self._session is None:
            self._session = await self._storage.start_upload(self._name, CONTENT_TYPE)
        begin, end = self._sent_bytes, self._sent_bytes + len(part)
        stored, is_complete = begin, False
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                response = await self._put(
                    self._session, part[stored - begin :], stored, total_bytes
                )
                stored, is_complete = _progress(response, stored)
            except RetryableError as error:
                if attempt == MAX_ATTEMPTS:
                    raise failed(str(error), is_timeout=error.is_timeout) from None
                logger.warning("Cloud Storage: %s", str(error))
                await pause(attempt)
                stored, is_complete = await self._ask_progress(self._session, total_bytes)
            if is_complete or (stored == end and total_bytes is None):
                self._sent_bytes = end
                return
            if not begin <= stored <= end:
                break
        raise failed("an upload makes no progress")

    async def _put(
        self, session: str, part: bytes, position: int, total_bytes: int | None
    ) -> httpx2.Response:
        total = "*" if total_bytes is None else total_bytes
        last = position + len(part) - 1
        range_ = f"bytes {position}-{last}/{total}" if part else f"bytes */{total}"
        return await self._storage.requests.attempt(
            "PUT", session, part=part, headers={"Content-Range": range_}
        )

    async def _ask_progress(self, session: str, total_bytes: int | None) -> tuple[int, bool]:
        """Return the number of stored bytes, and whether the object is complete."""
        total = "*" if total_bytes is None else total_bytes
        response = await self._storage.requests.send(
            "PUT", session, headers={"Content-Range": f"bytes */{total}", "Content-Length": "0"}
        )
        return _progress(response, 0)


def _progress(response: httpx2.Response, position: int) -> tuple[int, bool]:
    """Return the number of stored bytes, and whether the object is complete."""
    if response.status_code in _COMPLETE:
        return position, True
    if response.status_code != HTTPStatus.PERMANENT_REDIRECT:
        raise failed(f"a part of an upload is rejected ({response.status_code})")
    stored = _STORED.fullmatch(response.headers.get("range", ""))
    return (int(stored[1]) + 1 if stored else 0), False
