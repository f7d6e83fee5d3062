"""Calls to others over HTTP: the connections, shared by everything that a function calls."""

import httpx2

Client = httpx2.AsyncClient

_CONNECT_TIMEOUT_S = 5
_SILENCE_S = 30


def open_client() -> Client:
    """Return a client without open connections; its owner closes it, or lives as long.

    It may be made in one process and used in another, made by fork. Redirects are not followed:
    our requests carry keys.
    """
    return Client(
        timeout=httpx2.Timeout(_SILENCE_S, connect=_CONNECT_TIMEOUT_S),
        # The platform bounds how many requests we serve; a bound here would let long calls to one
        # service keep short ones to another waiting.
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=20),
    )
