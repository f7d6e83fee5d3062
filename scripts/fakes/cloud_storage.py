"""Fake of Cloud Storage's JSON API: resumable uploads, lists in pages, downloads of ranges.

Source: https://cloud.google.com/storage/docs/json_api/v1/objects,
https://cloud.google.com/storage/docs/performing-resumable-uploads
"""

import re
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from scripts.fakes.faults import Failing

BUCKET = "fake-backups"
_MULTIPLE = 256 * 1024
_CANCELLED = 499
_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")
_READ_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass
class StoredObject:
    """A complete object."""

    name: str
    content: bytes
    content_type: str
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def properties(self) -> dict[str, Any]:
        """The resource in the form of the API."""
        metadata = {"metadata": self.metadata} if self.metadata else {}
        return {
            "kind": "storage#object",
            "name": self.name,
            "size": str(len(self.content)),
            "contentType": self.content_type,
            **metadata,
        }


@dataclass
class _Session:
    """An upload in parts."""

    name: str
    content_type: str
    content: bytearray = field(default_factory=bytearray)


@dataclass
class CloudStorage:
    """Buckets with their objects by name."""

    buckets: dict[str, dict[str, StoredObject]] = field(default_factory=lambda: {BUCKET: {}})
    sessions: dict[str, _Session] = field(default_factory=dict)
    """The uploads that are neither complete nor cancelled."""

    complete: dict[str, StoredObject] = field(default_factory=dict)
    """The objects of completed uploads."""

    max_page_size: int = 1000
    access_token: str | None = None
    """The required access token; None accepts every request."""

    unstored_bytes: int = 0
    """The bytes of the next part that are not stored, a multiple of 256 KiB."""

    rejects_metadata: bool = False

    def app(self) -> Failing:
        """Return the server."""
        objects, uploads = "/storage/v1/b/{bucket}/o", "/upload/storage/v1/b/{bucket}/o"
        return Failing(
            Router(
                [
                    Route(uploads, self._start, methods=["POST"]),
                    Route(uploads, self._put, methods=["PUT"]),
                    Route(uploads, self._cancel, methods=["DELETE"]),
                    Route(objects, self._list),
                    Route(objects + "/{name:path}", self._get),
                    Route(objects + "/{name:path}", self._patch, methods=["PATCH"]),
                    Route(objects + "/{name:path}", self._delete, methods=["DELETE"]),
                ]
            )
        )

    @property
    def objects(self) -> dict[str, StoredObject]:
        """The objects of the only bucket."""
        [objects] = self.buckets.values()
        return objects

    async def _start(self, request: Request) -> Response:
        if (problem := self._rejection(request)) is not None:
            return problem
        content = await request.json()
        name = request.query_params["name"]
        if name in self.buckets[request.path_params["bucket"]]:
            return _error(412, "conditionNotMet")
        session = uuid4().hex
        self.sessions[session] = _Session(name, content["contentType"])
        query = {"uploadType": "resumable", "upload_id": session}
        location = request.url.replace_query_params(**query)
        return Response(status_code=200, headers={"Location": str(location)})

    async def _put(self, request: Request) -> Response:
        session_id = request.query_params.get("upload_id", "")
        body = await request.body()
        # A client that lost the last response sends the last part again.
        if (found_object := self.complete.get(session_id)) is not None:
            return JSONResponse(found_object.properties)
        session = self.sessions.get(session_id)
        if session is None:
            return _error(404, "notFound")
        total = self._append(session, request.headers.get("content-range", ""), body)
        if total is None:
            return _error(400, "invalid")
        if total == str(len(session.content)):
            del self.sessions[session_id]
            stored_object = StoredObject(session.name, bytes(session.content), session.content_type)
            self.buckets[request.path_params["bucket"]][session.name] = stored_object
            self.complete[session_id] = stored_object
            return JSONResponse(stored_object.properties)
        # Without the header, no byte is stored.
        headers = {"Range": f"bytes=0-{len(session.content) - 1}"} if session.content else {}
        return Response(status_code=308, headers=headers)

    def _append(self, session: _Session, content_range: str, body: bytes) -> str | None:
        """Store a part; return the total size or `*`. Return None if the request is invalid."""
        found = _RANGE.fullmatch(content_range)
        if found is None:
            return None
        first, last, total = found.groups()
        if first is None:
            return total
        is_next = int(first) == len(session.content) and len(body) == int(last) - int(first) + 1
        if not is_next or (total == "*" and len(body) % _MULTIPLE):
            return None
        stored, self.unstored_bytes = len(body) - self.unstored_bytes, 0
        session.content += body[:stored]
        return total

    async def _cancel(self, request: Request) -> Response:
        self.sessions.pop(request.query_params.get("upload_id", ""), None)
        return Response(status_code=_CANCELLED)

    async def _list(self, request: Request) -> Response:
        if (problem := self._rejection(request)) is not None:
            return problem
        query = request.query_params
        objects = self.buckets[request.path_params["bucket"]]
        after = query.get("pageToken", "")
        names = sorted(
            name for name in objects if name.startswith(query.get("prefix", "")) and name > after
        )
        size = min(int(query.get("maxResults", "1000")), self.max_page_size)
        items = [objects[name].properties for name in names[:size]]
        page = {"kind": "storage#objects", **({"items": items} if items else {})}
        if len(names) > size:
            page["nextPageToken"] = names[size - 1]
        return JSONResponse(page)

    async def _get(self, request: Request) -> Response:
        found = self._found(request)
        if isinstance(found, Response):
            return found
        if request.query_params.get("alt") != "media":
            return JSONResponse(found.properties)
        requested = _READ_RANGE.fullmatch(request.headers.get("range", ""))
        if requested is None:
            return Response(found.content, media_type=found.content_type)
        size = len(found.content)
        first = int(requested[1])
        last = min(int(requested[2] or size - 1), size - 1)
        if first > last:
            return _error(416, "requestedRangeNotSatisfiable")
        headers = {"Content-Range": f"bytes {first}-{last}/{size}"}
        return Response(found.content[first : last + 1], 206, headers, found.content_type)

    async def _patch(self, request: Request) -> Response:
        found = self._found(request)
        if isinstance(found, Response):
            return found
        if self.rejects_metadata:
            return _error(503, "backendError")
        found.metadata |= (await request.json())["metadata"]
        return JSONResponse(found.properties)

    async def _delete(self, request: Request) -> Response:
        found = self._found(request)
        if isinstance(found, Response):
            return found
        del self.buckets[request.path_params["bucket"]][found.name]
        return Response(status_code=204)

    def _found(self, request: Request) -> StoredObject | Response:
        if (problem := self._rejection(request)) is not None:
            return problem
        objects = self.buckets[request.path_params["bucket"]]
        return objects.get(request.path_params["name"]) or _error(404, "notFound")

    def _rejection(self, request: Request) -> Response | None:
        expected = self.access_token and f"Bearer {self.access_token}"
        if expected is not None and request.headers.get("authorization") != expected:
            return _error(401, "authError")
        if request.path_params["bucket"] not in self.buckets:
            return _error(404, "notFound")
        return None


def _error(status: int, reason: str) -> Response:
    errors = [{"message": "...", "domain": "global", "reason": reason}]
    return JSONResponse({"error": {"code": status, "message": "...", "errors": errors}}, status)
