"""Checks of the planner's hub: negotiation, WebSocket, handshake."""

from http import HTTPStatus
from urllib.parse import urlencode

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException

from scripts.client.doctor.causes import cause_of
from scripts.client.doctor.credentials import check_authorization, rejected
from scripts.client.doctor.features import Offer
from scripts.client.doctor.findings import Feature, Finding, Severity
from scripts.client.doctor.server import TIMEOUT_S, Answer, Server

_HUB = "/ai-chat-v2"
_END = "\x1e"  # each record of SignalR ends with it
_HANDSHAKE = f'{{"protocol":"json","version":1}}{_END}'
_PLANNER = frozenset({Feature.AI_PLANNER})
_FORWARD_SOCKETS = (
    "Let the proxy pass WebSockets on for /ai-chat-v2: with nginx, `proxy_http_version 1.1`, and "
    "the headers Upgrade and Connection; with Apache, `mod_proxy_wstunnel`. Caddy and Traefik pass "
    "them without a setting."
)


async def check_hub(server: Server, offer: Offer) -> list[Finding]:
    """Connect as the app does. No message is sent, so the model is not called."""
    answer = await server.ask("POST", f"{_HUB}/negotiate?negotiateVersion=1", content=b"")
    if answer.status == HTTPStatus.OK and isinstance(answer.json, dict):
        token = str(answer.json.get("connectionToken") or "")
        return [*await _check_socket(server, token), *await check_authorization(server)]
    off = _off(answer, is_on=offer.allows(Feature.AI_PLANNER))
    if off is not None:
        return [off]
    if answer.status == HTTPStatus.UNAUTHORIZED:
        finding = rejected(server, answer, Feature.AI_PLANNER)
        return [finding, *await check_authorization(server)]
    return [cause_of(answer, server.backend.base).finding(f"POST {_HUB}/negotiate", _PLANNER)]


def _off(answer: Answer, *, is_on: bool) -> Finding | None:
    if answer.status == HTTPStatus.LOCKED:
        return Finding(
            "it is switched off (423)",
            "To switch it on, remove AI_PLANNER_ENABLED from the settings, or set it to True.",
            _PLANNER,
            Severity.OFF,
        )
    if not is_on or (answer.status == HTTPStatus.NOT_IMPLEMENTED and answer.is_problem):
        return Finding(
            "it is not configured: the server has no language model, or no user may call it",
            "Set OPENAI_API_KEY, or OPENAI_BASE_URL and OPENAI_MODEL, and API_KEYS.",
            _PLANNER,
            Severity.OFF,
        )
    return None


async def _check_socket(server: Server, token: str) -> list[Finding]:
    query = f"?{urlencode({'id': token})}" if token else ""
    address = server.backend.url(f"{_HUB}{query}").replace("http", "ws", 1)
    try:
        async with connect(
            address,
            additional_headers=dict(server.backend.headers),
            ssl=server.tls if address.startswith("wss") else None,
            open_timeout=TIMEOUT_S,
            close_timeout=1,
            compression=None,
            # The app does not use the proxy that the environment of this machine names.
            proxy=None,
        ) as socket:
            await socket.send(_HANDSHAKE)
            return _check_handshake(await socket.recv())
    except InvalidStatus as error:
        return [_refused(error.response.status_code)]
    except InvalidHandshake:
        return [_not_passed("the response is not that of a WebSocket")]
    except (WebSocketException, OSError, EOFError) as error:
        return [_not_passed(f"the connection ends ({type(error).__name__})")]


def _check_handshake(record: str | bytes) -> list[Finding]:
    if record == f"{{}}{_END}":
        return []
    return [
        Finding(
            "the WebSocket leads to another program than LiftLog",
            "Let the proxy forward /ai-chat-v2 to LiftLog, with all paths below it.",
            _PLANNER,
        )
    ]


def _refused(status: int) -> Finding:
    if status == HTTPStatus.UNAUTHORIZED:
        return Finding(
            "the negotiation succeeds, but the WebSocket is answered 401",
            "Let the proxy pass the headers of WebSockets on, as those of other requests.",
            _PLANNER,
        )
    return _not_passed(f"the response is {status}")


def _not_passed(reason: str) -> Finding:
    return Finding(
        f"the proxy does not pass WebSockets on: negotiation succeeds, but {reason}",
        _FORWARD_SOCKETS,
        _PLANNER,
    )
