"""Sign-in by a header: forward auth, API key and purchase token, alone and together."""

import itertools
from datetime import datetime

import pytest
from starlette.requests import HTTPConnection

from shared.auth.api_keys import DEFAULT_USER, ApiKeys, ApiKeySettings
from shared.auth.named_user import NamedUser
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.errors import DependencyUnavailable, NotEntitled
from shared.purchases.authenticator import Purchase, Subscriber
from shared.web.callers import CallerAuth, UserAuth
from tests.caller_auth import caller_auth, user_auth

KEY, TOKEN = "SECRET-key", "SECRET-token"
PROXY, STRANGER = "10.0.0.1", "11.0.0.1"


class Provider:
    """A purchase provider with one valid token, and one that it cannot verify."""

    async def find_purchase(self, token: str, _now: datetime) -> Purchase | None:
        if token == "outage":  # noqa: S105 - not a real one
            raise DependencyUnavailable("the provider", 1)
        return Purchase.of(token) if token == TOKEN else None


class UnavailableKeys(ApiKeys):
    """API keys that cannot be fetched."""

    async def find(self, presented: str | None) -> NamedUser | None:
        if presented is None:
            return None
        raise DependencyUnavailable("the secret API_KEYS", 1)


AUTH = caller_auth({"Web": Provider()}, user_auth(f"anna={KEY},{KEY}-bare", "Remote-User", PROXY))


def connection(peer: str = PROXY, **headers: str) -> HTTPConnection:
    """Return a request with these headers."""
    return HTTPConnection(
        {
            "type": "http",
            "client": (peer, 1),
            "query_string": b"",
            "headers": [
                (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
            ],
        }
    )


SUBSCRIBER = Subscriber("Web", Purchase.of(TOKEN))
VALID = {"remote_user": "ben", "x_api_key": KEY, "authorization": f"Bearer Web {TOKEN}"}
INVALID = {"remote_user": "", "x_api_key": "wrong", "authorization": "Basic YTpi"}
CALLERS = {
    "remote_user": NamedUser("ben"),
    "x_api_key": NamedUser("anna"),
    "authorization": SUBSCRIBER,
}


@pytest.mark.parametrize("states", [*itertools.product("vi-", repeat=3)])
async def test_first_valid_method_names_the_caller(states: tuple[str, ...]) -> None:
    headers = {
        name: {"v": VALID, "i": INVALID}[state][name]
        for name, state in zip(VALID, states, strict=True)
        if state != "-"
    }
    valid = [name for name, state in zip(VALID, states, strict=True) if state == "v"]
    if valid:
        assert await AUTH.caller(connection(**headers)) == CALLERS[valid[0]]
    else:
        with pytest.raises(NotEntitled) as refused:
            await AUTH.caller(connection(**headers))
        assert refused.value.was_presented == any(
            name in headers for name in ("x_api_key", "authorization")
        )


async def test_untrusted_peer_cannot_name_a_user() -> None:
    headers = {"remote_user": "ben", "x_api_key": KEY}
    assert await AUTH.caller(connection(STRANGER, **headers)) == NamedUser("anna")
    with pytest.raises(NotEntitled, match="trusted proxy") as refused:
        await AUTH.caller(connection(STRANGER, remote_user="ben"))
    assert refused.value.was_presented


async def test_bare_key_belongs_to_the_default_user() -> None:
    assert await AUTH.caller(connection(x_api_key=f"{KEY}-bare")) == DEFAULT_USER


async def test_key_as_bearer_token_is_refused() -> None:
    with pytest.raises(NotEntitled):
        await AUTH.caller(connection(authorization=f"Bearer {KEY}"))


async def test_names_of_proxies_are_utf8() -> None:
    assert await AUTH.caller(connection(remote_user="Zoë")) == NamedUser("Zoë")


async def test_outage_of_keys_is_reported_unless_a_method_passes() -> None:
    users = UserAuth(
        UnavailableKeys(ApiKeySettings(), Secrets(SecretSettings())), AUTH.users.forward_auth
    )
    auth = CallerAuth(users, AUTH.purchases)
    token = f"Web {TOKEN}"
    assert await auth.caller(connection(x_api_key=KEY, authorization=token)) == SUBSCRIBER
    with pytest.raises(DependencyUnavailable):
        await auth.caller(connection(x_api_key=KEY, authorization="Web wrong"))
    with pytest.raises(NotEntitled):
        await auth.caller(connection(authorization="Web wrong"))


async def test_outage_of_provider_is_reported_beside_a_wrong_key() -> None:
    with pytest.raises(DependencyUnavailable):
        await AUTH.caller(connection(x_api_key="wrong", authorization="Web outage"))


async def test_user_auth_accepts_no_purchase() -> None:
    with pytest.raises(NotEntitled) as refused:
        await AUTH.users.caller(connection(authorization=f"Web {TOKEN}"))
    assert not refused.value.was_presented
