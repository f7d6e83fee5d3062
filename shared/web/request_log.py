"""A line per request, when it has ended."""

import logging
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.telemetry import metrics
from shared.telemetry.current_request import (
    UNKNOWN_ROUTE,
    CurrentRequest,
    reset_current_request,
    set_current_request,
)
from shared.telemetry.signals import add, end_request_span, is_exporting, start_export
from shared.telemetry.trace_context import new_span_id, parse_trace_context

logger = logging.getLogger(__name__)

_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_ANY_METHOD = "_OTHER"
"""Stands for methods that a client has made up, as OpenTelemetry's conventions have it."""

_ASKS = b"access-control-request-method"
_PREFLIGHT = "(preflight)"
"""Stands for what browsers ask before a request, which is answered for all routes alike."""

_HUNG_UP = 499
_QUIET = frozenset({"/health", "/health/ready"})
_OUTAGES = (
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)


class RequestLog:
    """Wraps an app, and tells how each request and each WebSocket ended.

    Told are templates of routes, never paths or queries: these hold ids and tokens. A client that
    hung up before it had everything is told as 499.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = _served(scope)
        answer = _Answer(request, send)
        token = set_current_request(request)
        try:
            await self._app(scope, receive, answer)
        finally:
            if not answer.is_complete and request.failure is None:
                request.status = _HUNG_UP
            _tell(request, scope, answer.size_bytes)
            reset_current_request(token)
            _measure(request, scope)
            start_export()


class _Answer:
    """Passes an answer on to the server, and notes what is to be told of it."""

    __slots__ = ("_request", "_send", "is_complete", "size_bytes")

    def __init__(self, request: CurrentRequest, send: Send) -> None:
        self._request = request
        self._send = send
        self.is_complete = False
        self.size_bytes = 0

    async def __call__(self, message: Message) -> None:
        match message["type"]:
            case "http.response.start" | "websocket.http.response.start":
                self._request.status = message["status"]
            case "http.response.body" | "websocket.http.response.body":
                self.size_bytes += len(message.get("body", b""))
                self.is_complete = not message.get("more_body", False)
            case "websocket.accept":
                self._request.status = HTTPStatus.SWITCHING_PROTOCOLS.value
                self.is_complete = True
            case "websocket.close" if self._request.status is None:
                self._request.status = HTTPStatus.FORBIDDEN.value
                self.is_complete = True
            case _:
                pass
        await self._send(message)


def _served(scope: Scope) -> CurrentRequest:
    method = scope.get("method", "GET")  # a WebSocket begins as one
    context = parse_trace_context(scope["headers"])
    is_preflight = method == "OPTIONS" and any(name == _ASKS for name, _ in scope["headers"])
    return CurrentRequest(
        route=_PREFLIGHT if is_preflight else UNKNOWN_ROUTE,
        method=method if method in _METHODS else _ANY_METHOD,
        trace_id=context.trace_id,
        # What is not exported would be a span that nobody can find: then lines are the caller's.
        span_id=(None if is_exporting() else context.parent_id) or new_span_id(),
        parent_id=context.parent_id,
        is_sampled=is_exporting() if context.is_sampled is None else context.is_sampled,
    )


def _tell(request: CurrentRequest, scope: Scope, size_bytes: int) -> None:
    level = _level(request)
    if not logger.isEnabledFor(level):
        return
    duration_s = request.duration_s
    what = "WebSocket" if scope["type"] == "websocket" else request.method
    logger.log(
        level,
        "%s %s %s %d ms%s",
        what,
        request.route,
        request.status,
        duration_s * 1000,
        f": {request.reason}" if request.reason else "",
        extra={
            "http_request": {
                "requestMethod": request.method,
                "requestUrl": request.route,
                "status": request.status,
                "latency": f"{duration_s:.3f}s",
                "responseSize": str(size_bytes),
                "protocol": f"HTTP/{scope.get('http_version', '1.1')}",
            },
            "json_fields": {
                "route": request.route,
                "status": request.status,
                "duration_ms": round(duration_s * 1000, 1),
                "round_trips": request.round_trips,
                "documents_read": request.documents_read,
                **({"reason": request.reason} if request.reason else {}),
            },
        },
    )


def _measure(request: CurrentRequest, scope: Scope) -> None:
    if request.route in _QUIET:
        return
    method, route, status = request.method, request.route, request.status
    end_request_span(
        request,
        {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
        },
    )
    if scope["type"] == "http":  # how long somebody was connected says nothing of us
        add(
            metrics.REQUEST_DURATION,
            request.duration_s,
            http_request_method=method,
            http_route=route,
            http_response_status_code=status,
        )
    add(metrics.ROUND_TRIPS, request.round_trips, http_route=route)
    add(metrics.DOCUMENTS_READ, request.documents_read, http_route=route)


def _level(request: CurrentRequest) -> int:
    if request.failure is not None:
        return request.failure
    if request.route in _QUIET:
        return logging.DEBUG
    if request.status in _OUTAGES:
        return logging.WARNING
    if request.status is not None and request.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return logging.ERROR
    return logging.INFO
