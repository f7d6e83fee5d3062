"""The purchase token in a request.

Source: contract, heading "Purchase tokens".
"""

from starlette.requests import HTTPConnection


def presented_token(connection: HTTPConnection) -> str | None:
    """Return the unverified token of a request or WebSocket; None if there is no token.

    Only a WebSocket may present it in the URL, because browsers cannot set its headers. Servers and
    proxies log URLs, so other requests must use the header.
    """
    header = connection.headers.get("authorization")
    if header is not None or connection.scope["type"] != "websocket":
        return header
    return connection.query_params.get("access_token")
