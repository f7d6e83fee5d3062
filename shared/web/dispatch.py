"""From a request to its route's handler and back to a response."""

import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from shared.errors import DependencyUnavailable, LiftLogError, RequestTooLarge
from shared.purchases.authenticator import Subscriber
from shared.schemas.wire import Request as Parsed
from shared.telemetry.current_request import note_reason, note_route
from shared.timestamps import now
from shared.web.disconnect import unless_hung_up
from shared.web.json_stream import JsonStream
from shared.web.paths import Paths
from shared.web.problems import problem, problem_of
from shared.web.purchase_token import presented_token
from shared.web.routes import Route

logger = logging.getLogger(__name__)

_JSON = "application/json"


class Router:
    """Serves `routes`, and `others` by the templates of their paths."""

    def __init__(self, routes: Sequence[Route], others: Mapping[str, ASGIApp]) -> None:
        by_path: defaultdict[str, dict[str, Route]] = defaultdict(dict)
        for route in routes:
            by_path[route.path][route.method] = route
        served = {path: _Path(by_method) for path, by_method in by_path.items()}
        self._paths = Paths[ASGIApp]({**others, **served})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. Log lines name the template, which is noted first."""
        found = self._paths.find(scope["path"])
        if found is None:
            response = problem(HTTPStatus.NOT_FOUND, "no such route", scope["path"])
            await response(scope, receive, send)
            return
        note_route(found.template)
        scope["path_params"] = found.parameters
        await found.target(scope, receive, send)


class _Path:
    """Serves one path: chooses the route by the method.

    Starlette would answer a wrong method from the first route that has the path, naming only that
    route's methods, and in plain text.
    """

    def __init__(self, by_method: dict[str, Route]) -> None:
        self._by_method = by_method
        self._allowed = sorted({*by_method, *(("HEAD",) if "GET" in by_method else ())})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        route = self._by_method.get("GET" if request.method == "HEAD" else request.method)
        if route is None:
            return method_not_allowed(request.scope["path"], self._allowed)
        try:
            return await _answered(route, request)
        except LiftLogError as error:
            if isinstance(error, DependencyUnavailable):
                note_reason(str(error))
            if route.is_pushed_to:  # who pushes messages does not read answers
                logger.warning("a message was refused: %s", str(error))
            return problem_of(error, request.scope["path"])


def method_not_allowed(path: str, allowed: Sequence[str]) -> Response:
    """Return the answer to a known path called with another method."""
    return problem(
        HTTPStatus.METHOD_NOT_ALLOWED,
        "this path does not take that method",
        path,
        headers={"Allow": ", ".join(allowed)},
    )


async def no_such_socket(socket: WebSocket) -> None:
    """Answer a WebSocket that nobody serves, instead of accepting it."""
    response = problem(HTTPStatus.NOT_FOUND, "no such route", socket.scope["path"])
    await socket.send_denial_response(response)


async def _answered(route: Route, request: Request) -> Response:
    # Before the body is read: a caller without a purchase gets no plan whatever it holds.
    subscriber = (
        [await route.purchases.subscriber(presented_token(request), now())]
        if route.purchases
        else []
    )
    work = _response(route, await _parsed(route, request), *subscriber)
    if route.ends_with_client:
        return await unless_hung_up(request.receive, work)
    return await work


async def _parsed(route: Route, request: Request) -> Parsed:
    if route.has_body:
        return route.parse_body(await _read_body(request, route.max_body_bytes))
    return route.parse({**request.query_params} if route.from_query else request.path_params)


async def _read_body(request: Request, max_bytes: int) -> bytearray:
    """Read the body, but stop as soon as it is known to be too large."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > max_bytes:
        raise RequestTooLarge("the body is larger than any valid request")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise RequestTooLarge("the body is larger than any valid request")
    return body


async def _response(route: Route, parsed: Parsed, *subscriber: Subscriber) -> Response:
    answer = await route.handler(parsed, *subscriber)
    if answer is None:
        return Response()
    if isinstance(answer, JsonStream):
        return await _streaming_response(answer)
    return Response(answer.model_dump_json(), media_type=_JSON)


async def _streaming_response(stream: JsonStream) -> Response:
    """Start only when the first chunk is there: until then an outage can still be told."""
    chunks = stream.chunks()
    first = await anext(chunks)
    second = await anext(chunks, None)
    if second is None:
        return Response(first, media_type=_JSON)
    return StreamingResponse(_chained((first, second), chunks), media_type=_JSON)


async def _chained(ready: Sequence[bytes], coming: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    for chunk in ready:
        yield chunk
    async for chunk in coming:
        yield chunk
