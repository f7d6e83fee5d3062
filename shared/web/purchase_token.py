"""Where a client presents its purchase token.

Source: contract, heading "Purchase tokens".
"""

from starlette.requests import HTTPConnection


def presented_token(connection: HTTPConnection) -> str | None:
    """Return what a request or WebSocket presents, or None; it is still to be checked.

    Only for a WebSocket, to which browsers cannot give a header, it may stand in the address:
    addresses are written to logs that are not ours.
    """
    header = connection.headers.get("authorization")
    if header is not None or connection.scope["type"] != "websocket":
        return header
    return connection.query_params.get("access_token")
