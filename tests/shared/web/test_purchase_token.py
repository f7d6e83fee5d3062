"""The purchase token in a request."""

import pytest
from starlette.requests import HTTPConnection

from shared.web.purchase_token import presented_token


def connection_of(kind: str, query: str, *headers: tuple[bytes, bytes]) -> HTTPConnection:
    return HTTPConnection(
        {"type": kind, "query_string": query.encode(), "headers": headers, "path": "/"}
    )


HEADER = (b"authorization", b"Web key")


@pytest.mark.parametrize(
    ("connection", "presented"),
    [
        (connection_of("http", "", HEADER), "Web key"),
        (connection_of("http", ""), None),
        (connection_of("http", "access_token=Web%20key"), None),
        (connection_of("websocket", "access_token=Web%20key"), "Web key"),
        (connection_of("websocket", "access_token=Apple%20x", HEADER), "Web key"),
        (connection_of("websocket", "id=1"), None),
    ],
    ids=[
        "header",
        "nothing",
        "request URL",
        "WebSocket URL",
        "header and URL",
        "WebSocket without token",
    ],
)
def test_only_websocket_may_present_token_in_url(
    connection: HTTPConnection, presented: str | None
) -> None:
    assert presented_token(connection) == presented
