"""Count the RPCs to Firestore."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc.aio

_Note = Callable[[grpc.aio.ClientCallDetails, Any], None]


class _Unary(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[misc] # grpc is untyped
    def __init__(self, note: _Note) -> None:
        self._note = note

    async def intercept_unary_unary(
        self,
        continuation: Any,  # noqa: ANN401
        details: grpc.aio.ClientCallDetails,
        request: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        self._note(details, request)
        return await continuation(details, request)


class _Stream(grpc.aio.UnaryStreamClientInterceptor):  # type: ignore[misc] # grpc is untyped
    def __init__(self, note: _Note) -> None:
        self._note = note

    async def intercept_unary_stream(
        self,
        continuation: Any,  # noqa: ANN401
        details: grpc.aio.ClientCallDetails,
        request: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        self._note(details, request)
        return await continuation(details, request)


def _method(details: grpc.aio.ClientCallDetails) -> str:
    method = details.method
    name = method.decode() if isinstance(method, bytes) else str(method)
    return name.rpartition("/")[2]


class RoundTrips:
    """Interceptors for a `Database`, and the RPCs that they counted."""

    def __init__(self) -> None:
        self._seen: list[str] = []
        self.documents = 0
        """Number of documents that the counted RPCs requested by name."""

        self.written = self.deleted = 0
        """Number of documents that they wrote and deleted."""

        self.interceptors = [_Unary(self._note), _Stream(self._note)]

    @contextmanager
    def counted(self) -> Iterator[list[str]]:
        """Yield a list. After the block it holds the names of its RPCs, in order."""
        self._seen.clear()
        self.documents = self.written = self.deleted = 0
        calls: list[str] = []
        yield calls
        calls += self._seen

    def _note(self, details: grpc.aio.ClientCallDetails, request: Any) -> None:  # noqa: ANN401
        # Each attempt of a retried RPC counts, because each is a round trip.
        self._seen.append(_method(details))
        self.documents += len(getattr(request, "documents", ()))
        writes = getattr(request, "writes", ())
        deletes = sum(bool(write.delete) for write in writes)
        self.deleted += deletes
        self.written += len(writes) - deletes
