"""One log entry per request, written at its end, with its span and metrics."""

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
"""Replaces unknown methods, which a client could use to create many time series.

Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/
"""

_PREFLIGHT_HEADER = b"access-control-request-method"
_PREFLIGHT_ROUTE = "(preflight)"
"""The route of CORS preflights, which the middleware answers for all paths."""

# As nginx logs it: HTTP has no status for it.
_CLIENT_CLOSED_REQUEST = 499
_HEALTH_ROUTES = frozenset({"/health", "/health/ready"})
_OUTAGE_STATUSES = (
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)


class RequestLog:
    """Wraps an app and logs each request and each WebSocket.

    Entries contain the templates of routes, never paths or queries, which contain ids and tokens.
    If the client disconnects before the response is complete, the logged status is 499.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = _current_request(scope)
        response = _Response(request, send)
        token = set_current_request(request)
        try:
            await self._app(scope, receive, response)
        finally:
            if not response.is_complete and request.failure is None:
                request.status = _CLIENT_CLOSED_REQUEST
            # Logged while the request is current: the entry gets its trace and span.
            _log(request, scope, response.size_bytes)
            reset_current_request(token)
            _measure(request, scope)
            start_export()


class _Response:
    """Passes a response to the server, and notes its status and size."""

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
            # The server answers 403 if a WebSocket is closed before it is accepted.
            case "websocket.close" if self._request.status is None:
                self._request.status = HTTPStatus.FORBIDDEN.value
                self.is_complete = True
            case _:
                pass
        await self._send(message)


def _current_request(scope: Scope) -> CurrentRequest:
    # A WebSocket starts as a GET, but its scope has no method.
    method = scope.get("method", "GET")
    context = parse_trace_context(scope["headers"])
    is_preflight = method == "OPTIONS" and any(
        name == _PREFLIGHT_HEADER for name, _ in scope["headers"]
    )
    return CurrentRequest(
        route=_PREFLIGHT_ROUTE if is_preflight else UNKNOWN_ROUTE,
        method=method if method in _METHODS else _ANY_METHOD,
        trace_id=context.trace_id,
        # Without export our span does not exist, so log entries use the caller's span.
        span_id=(None if is_exporting() else context.parent_id) or new_span_id(),
        parent_id=context.parent_id,
        is_sampled=is_exporting() if context.is_sampled is None else context.is_sampled,
    )


def _log(request: CurrentRequest, scope: Scope, size_bytes: int) -> None:
    level = _level(request)
    if not logger.isEnabledFor(level):
        return
    duration_s = request.duration_s
    kind = "WebSocket" if scope["type"] == "websocket" else request.method
    logger.log(
        level,
        "%s %s %s %d ms%s",
        kind,
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
    if request.route in _HEALTH_ROUTES:
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
    # The duration of a WebSocket depends on its user, not on the service.
    if scope["type"] == "http":
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
    if request.route in _HEALTH_ROUTES:
        return logging.DEBUG
    # 501: a feature that the operator has left off.
    if request.status == HTTPStatus.NOT_IMPLEMENTED:
        return logging.INFO
    if request.status in _OUTAGE_STATUSES:
        return logging.WARNING
    if request.status is not None and request.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return logging.ERROR
    return logging.INFO
