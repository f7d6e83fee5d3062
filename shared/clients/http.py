"""HTTP client for requests to other services. The callers share its connections."""

import httpx2

Client = httpx2.AsyncClient

_CONNECT_TIMEOUT_S = 5
_READ_TIMEOUT_S = 30  # between two parts of a response: streamed responses may take longer
_MAX_IDLE_CONNECTIONS = 20


def open_client() -> Client:
    """Return a client without open connections. The caller closes it, or keeps it until exit.

    The client may be created before a fork and used after it: it connects on the first request.
    Redirects are not followed, because requests carry keys.
    """
    return Client(
        timeout=httpx2.Timeout(_READ_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S),
        # The platform already limits concurrent requests. A limit here would delay short calls to
        # one service behind long calls to another.
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=_MAX_IDLE_CONNECTIONS),
    )
