"""The JSON API of Cloud Storage: the objects of one bucket.

Source: https://cloud.google.com/storage/docs/json_api/v1/objects
"""

from collections.abc import AsyncGenerator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx2
from pydantic_core import from_json

from shared.backups.storage_requests import StorageRequests, failed

JsonObject = dict[str, Any]

_PROPERTIES = "name,size,metadata"
# Backups are gzip files. Another encoding of the transfer would not make them smaller.
_NO_ENCODING = {"Accept-Encoding": "identity"}


class CloudStorage:
    """The objects of one bucket.

    Args:
        url: the base URL of the API.
        bucket: the name of the bucket.
        requests: sends the requests.
    """

    def __init__(self, url: str, bucket: str, requests: StorageRequests) -> None:
        path = f"storage/v1/b/{quote(bucket, safe='')}/o"
        self._objects = f"{url.rstrip('/')}/{path}"
        self._uploads = f"{url.rstrip('/')}/upload/{path}"
        self.requests = requests

    async def list(self, prefix: str, page_token: str | None, page_size: int) -> JsonObject:
        """Return a page of the objects whose names begin with `prefix`, in order of their names."""
        query = {
            "prefix": prefix,
            "maxResults": str(page_size),
            "fields": f"items({_PROPERTIES}),nextPageToken",
            **({"pageToken": page_token} if page_token else {}),
        }
        page = await self._call("GET", f"{self._objects}?{httpx2.QueryParams(query)}")
        if page is None:
            raise failed("the bucket does not exist")
        return page

    async def find(self, name: str) -> JsonObject | None:
        """Return the properties of an object; None if it does not exist."""
        return await self._call("GET", f"{self._object(name)}?fields={_PROPERTIES}")

    async def delete(self, name: str) -> bool:
        """Delete an object; return False if it does not exist."""
        return await self._call("DELETE", self._object(name)) is not None

    async def set_metadata(self, name: str, metadata: Mapping[str, str]) -> None:
        """Set custom metadata of an object."""
        # By default the response contains the access control list, which needs another permission.
        url = f"{self._object(name)}?projection=noAcl"
        await self._call("PATCH", url, {"metadata": metadata})

    async def start_upload(self, name: str, content_type: str) -> str:
        """Start the upload of a new object; return the URL of its session."""
        query = {"uploadType": "resumable", "name": name, "ifGenerationMatch": "0"}
        response = await self.requests.send(
            "POST",
            f"{self._uploads}?{httpx2.QueryParams(query)}",
            json={"contentType": content_type},
        )
        session = response.headers.get("location")
        if response.status_code != HTTPStatus.OK or not session:
            raise failed(f"an upload is rejected ({response.status_code})")
        return str(session)

    async def read(self, name: str, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of an object from `start` up to `stop`; nothing if it does not exist.

        Raises:
            DependencyUnavailable: also after the first bytes. Then the rest is missing.
        """
        headers = {**_NO_ENCODING, "Range": f"bytes={start}-{stop - 1}"}
        response = await self.requests.send(
            "GET", f"{self._object(name)}?alt=media", headers=headers, is_stream=True
        )
        try:
            if response.status_code == HTTPStatus.NOT_FOUND:
                return
            if response.status_code != HTTPStatus.PARTIAL_CONTENT:
                raise failed(f"a download is rejected ({response.status_code})")
            async for piece in response.aiter_raw():
                start += len(piece)
                yield piece
        except httpx2.HTTPError as error:
            raise failed(f"a download is interrupted: {type(error).__name__}") from None
        finally:
            await response.aclose()
        if start != stop:
            raise failed("a download is incomplete")

    def _object(self, name: str) -> str:
        return f"{self._objects}/{quote(name, safe='')}"

    async def _call(self, method: str, url: str, json: object = None) -> JsonObject | None:
        """Return the JSON object of a response, empty without a body; None for a 404."""
        response = await self.requests.send(method, url, json=json)
        if response.status_code == HTTPStatus.NOT_FOUND:
            return None
        if not response.is_success:
            raise failed(f"a request is rejected ({response.status_code})")
        try:
            content = from_json(response.content or b"{}")
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise failed("a response is not a JSON object")
        return content
