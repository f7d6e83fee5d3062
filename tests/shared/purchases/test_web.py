"""The web app's key."""

from datetime import UTC, datetime

import pytest

from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.purchases.web import Web, WebSettings

NOW = datetime(2026, 11, 23, tzinfo=UTC)
KEY = "SECRET-web-key"


def web(key: str | None) -> Web:
    return Web(WebSettings.model_validate({"auth_key": key}), Secrets(SecretSettings()))


async def test_key_is_accepted() -> None:
    assert await web(KEY).find_purchase(KEY, NOW)


@pytest.mark.parametrize(
    "token",
    ["", " ", KEY[:-1], KEY + "x", f" {KEY}", KEY.lower(), KEY.upper(), "Zürich", "\u200b", "\x00"],
    ids=[
        "nothing",
        "blank",
        "cut off",
        "with more",
        "with a blank",
        "in lower case",
        "in upper case",
        "with an umlaut",
        "an invisible character",
        "a null",
    ],
)
async def test_wrong_key_is_rejected(token: str) -> None:
    assert not await web(KEY).find_purchase(token, NOW)


async def test_key_may_contain_any_character() -> None:
    assert await web("Schlüssel ✓").find_purchase("Schlüssel ✓", NOW)
    assert not await web("Schlüssel ✓").find_purchase("Schlussel ✓", NOW)


@pytest.mark.parametrize("token", ["", "None", KEY], ids=["nothing", "None", "a key"])
async def test_unset_key_rejects_every_token(token: str) -> None:
    assert not await web(None).find_purchase(token, NOW)


async def test_empty_key_rejects_every_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_AUTH_KEY", "")
    unset = Web(WebSettings(), Secrets(SecretSettings()))
    assert not await unset.find_purchase("", NOW)
