"""Dispatch of requests to handlers, with parsing and sign-in before, and the response after."""

import logging
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from shared.auth.credentials import Credentials
from shared.concurrency.group_commit import GroupCommit
from shared.errors import (
    DependencyUnavailable,
    InvalidRequest,
    LiftLogError,
    RequestTooLarge,
)
from shared.schemas.wire import Request as Parsed
from shared.telemetry import metrics
from shared.telemetry.current_request import note_reason, note_route
from shared.telemetry.signals import add
from shared.web.authentication import PasswordAuth, credentials
from shared.web.callers import Caller, CallerAuth, UserAuth
from shared.web.disconnect import run_until_disconnect
from shared.web.download import Download, download_response
from shared.web.features import Features
from shared.web.json_stream import JsonStream
from shared.web.paths import Paths
from shared.web.problems import problem, problem_of
from shared.web.routes import Handler, HandlerResult, Route
from shared.web.upload import Upload

logger = logging.getLogger(__name__)

_JSON = "application/json"


class Router:
    """Serves `routes`, and `others`: further apps by the templates of their paths.

    A route is rejected if it serves only features that the server does not offer.
    """

    def __init__(
        self, routes: Sequence[Route], others: Mapping[str, ASGIApp], features: Features
    ) -> None:
        by_path: defaultdict[str, dict[str, Route]] = defaultdict(dict)
        for route in routes:
            by_path[route.path][route.method] = route
        served = {path: _Path(by_method, features) for path, by_method in by_path.items()}
        self._paths = Paths[ASGIApp]({**others, **served})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        found = self._paths.find(scope["path"])
        if found is None:
            response = problem(HTTPStatus.NOT_FOUND, "no such route", scope["path"])
            await response(scope, receive, send)
            return
        # Before the handler runs: log entries name the template, never the path with its ids.
        note_route(found.template)
        scope["path_params"] = found.parameters
        await found.target(scope, receive, send)


class _Path:
    """Serves one path: selects the route by the method.

    Starlette's router responds to an unknown method with the methods of the first route that has
    the path, and in plain text.
    """

    def __init__(self, by_method: dict[str, Route], features: Features) -> None:
        self._by_method = {
            method: _Endpoint(route, features.refusal(route.features))
            for method, route in by_method.items()
        }
        self._allowed = sorted({*by_method, *(("HEAD",) if "GET" in by_method else ())})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        # The response to HEAD is that to GET; the server omits its body.
        endpoint = self._by_method.get("GET" if request.method == "HEAD" else request.method)
        if endpoint is None:
            return method_not_allowed(request.scope["path"], self._allowed)
        return await endpoint.respond(request)


class _Endpoint:
    """Serves one route, or rejects its requests with `refusal`."""

    def __init__(self, route: Route, refusal: LiftLogError | None) -> None:
        self._route = route
        self._refusal = refusal
        self._groups: GroupCommit[Credentials, Parsed, None] | None = None
        if isinstance(route.auth, PasswordAuth) and route.group_bytes is not None:
            handle_group = partial(_handle_group, route.handler, route.auth)
            self._groups = GroupCommit(handle_group, route.group_bytes)

    async def respond(self, request: Request) -> Response:
        """Return the handler's response, or a problem."""
        try:
            return await self._handle(request)
        except LiftLogError as error:
            if isinstance(error, DependencyUnavailable):
                note_reason(str(error))
            if isinstance(error, InvalidRequest):
                _count_too_large(self._route, error)
            # Pub/Sub does not read the body of a response, so only the log can name the reason.
            if self._route.is_pushed_to:
                logger.warning("pushed message rejected: %s", str(error))
            return problem_of(error, request.scope["path"])

    async def _handle(self, request: Request) -> Response:
        if self._refusal is not None and not self._route.signs_in_first:
            raise self._refusal
        # Before the body is read: an unknown caller is answered 401, even for an invalid request.
        caller = await self._callers(request)
        if self._refusal is not None:
            raise self._refusal
        parsed = await _parsed(self._route, request)
        work = self._response(request, parsed, *self._upload(request), *caller)
        if self._route.is_cancelled_on_disconnect:
            return await run_until_disconnect(request.receive, work)
        return await work

    async def _callers(self, request: Request) -> Sequence[Caller]:
        """Return the caller, for a route that signs callers in by a header."""
        auth = self._route.auth
        return [await auth.caller(request)] if isinstance(auth, UserAuth | CallerAuth) else []

    def _upload(self, request: Request) -> Sequence[Upload]:
        max_bytes = self._route.max_upload_bytes
        return () if max_bytes is None else [Upload(request, max_bytes)]

    async def _response(
        self, request: Request, parsed: Parsed, *others: Upload | Caller
    ) -> Response:
        result = await self._call(parsed, *others)
        if result is None:
            return Response()
        if isinstance(result, JsonStream):
            return await _streaming_response(result)
        if isinstance(result, Download):
            return await download_response(request, result)
        return Response(result.model_dump_json(), media_type=_JSON)

    async def _call(self, parsed: Parsed, *others: Upload | Caller) -> HandlerResult:
        auth = self._route.auth
        if not isinstance(auth, PasswordAuth):
            return await self._route.handler(parsed, *others)
        own = credentials(parsed)
        if self._groups is not None:
            await self._groups.add(own, parsed)
            return None
        return await self._route.handler(parsed, await auth.account(own))


async def _handle_group(
    handler: Handler, auth: PasswordAuth, caller: Credentials, requests: Sequence[Parsed]
) -> Sequence[None]:
    """Sign in once and handle all `requests`."""
    # The account is read here, after the caller's previous group was committed. With an account
    # that was read earlier, the precondition of the commit would fail.
    await handler(requests, await auth.account(caller))
    return [None] * len(requests)


def _count_too_large(route: Route, error: InvalidRequest) -> None:
    is_body = isinstance(error, RequestTooLarge)
    if is_body or error.has_too_large_field:
        add(
            metrics.TOO_LARGE_REQUESTS,
            1,
            http_request_method=route.method,
            http_route=route.path,
            part="body" if is_body else "field",
        )


def method_not_allowed(path: str, allowed: Sequence[str]) -> Response:
    """Return the response to a known path with an unknown method."""
    return problem(
        HTTPStatus.METHOD_NOT_ALLOWED,
        "this path does not take that method",
        path,
        headers={"Allow": ", ".join(allowed)},
    )


async def reject_socket(socket: WebSocket) -> None:
    """Reject a WebSocket whose path has no handler."""
    response = problem(HTTPStatus.NOT_FOUND, "no such route", socket.scope["path"])
    await socket.send_denial_response(response)


async def _parsed(route: Route, request: Request) -> Parsed:
    if route.has_body:
        return route.parse_body(await _read_body(request, route.max_body_bytes))
    return route.parse({**request.query_params} if route.from_query else request.path_params)


async def _read_body(request: Request, max_bytes: int) -> bytearray:
    """Read the body; stop as soon as it exceeds `max_bytes`."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > max_bytes:
        raise RequestTooLarge("the body is larger than any valid request")
    # Counted as well, because a chunked body has no length.
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise RequestTooLarge("the body is larger than any valid request")
    return body


async def _streaming_response(stream: JsonStream) -> Response:
    """Wait for two chunks: until then, the status can still report an outage."""
    chunks = stream.chunks()
    first = await anext(chunks)
    second = await anext(chunks, None)
    # Most responses have only one chunk. It is sent with its length.
    if second is None:
        return Response(first, media_type=_JSON)
    return StreamingResponse(_chained(deque((first, second)), chunks), media_type=_JSON)


async def _chained(ready: deque[bytes], coming: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    while ready:
        yield ready.popleft()
    async for chunk in coming:
        yield chunk
