"""API keys: their form, their users, and outages of Secret Manager."""

import pytest
from pydantic import SecretStr

from shared.auth.api_keys import DEFAULT_USER, ApiKeys, ApiKeySettings, parse_api_keys
from shared.auth.named_user import NamedUser
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.errors import DependencyUnavailable
from tests.shared.clients.fake_secret_manager import LATEST, FakeSecretManager, connected


def keys_of(text: str | None) -> ApiKeys:
    settings = ApiKeySettings(keys=None if text is None else SecretStr(text))
    return ApiKeys(settings, Secrets(SecretSettings()))


@pytest.mark.parametrize(
    ("text", "presented", "name"),
    [
        ("anna=12345678", "12345678", "anna"),
        ("anna=12345678,ben=abcdefgh", "abcdefgh", "ben"),
        (" anna=12345678 , ben=abcdefgh ,", "abcdefgh", "ben"),
        ("anna@example.com=12345678", "12345678", "anna@example.com"),
        ("anna=1234=678", "1234=678", "anna"),
        ("12345678", "12345678", "default"),
        # Base64 with padding: too little follows the first `=`.
        ("YWJjZGVmZw==", "YWJjZGVmZw==", "default"),
        ("anna=1234567", "anna=1234567", "default"),
        ("an na=12345678", "an na=12345678", "default"),
        ("=12345678", "=12345678", "default"),
        ("-anna=12345678", "-anna=12345678", "default"),
        ("schlüssel-1", "schlüssel-1", "default"),
    ],
)
async def test_key_belongs_to_its_user(text: str, presented: str, name: str) -> None:
    user = await keys_of(text).find(presented)
    assert user == NamedUser(name, is_shared=name == "default")


@pytest.mark.parametrize(
    ("text", "presented"),
    [
        (None, "12345678"),
        ("anna=12345678", None),
        ("anna=12345678", ""),
        ("anna=12345678", "1234567"),
        ("anna=12345678", "anna=12345678"),
        ("anna=abcdefgh", "ABCDEFGH"),
        ("anna=12345678", "12345678,"),
        ("anna=12345678,ben=abcdefgh", "12345678,ben=abcdefgh"),
    ],
)
async def test_other_text_has_no_user(text: str | None, presented: str | None) -> None:
    assert await keys_of(text).find(presented) is None


@pytest.mark.parametrize("text", ["1234567", "anna=12345678,short", "a=1"])
def test_short_key_stops_the_start(text: str) -> None:
    with pytest.raises(ValueError, match=r"API_KEYS: .*8 characters or more") as failed:
        ApiKeySettings(keys=SecretStr(text))
    assert text not in str(failed.value)


@pytest.mark.parametrize("text", ["", " ", ",", " , "])
def test_empty_entries_have_no_key(text: str) -> None:
    assert parse_api_keys(text) == ()


def test_user_key_does_not_contain_the_name() -> None:
    assert "default" not in DEFAULT_USER.key
    assert NamedUser("anna").key != NamedUser("ben").key


@pytest.mark.parametrize(
    ("stored", "is_available"), [(b"anna=12345678\n", True), (b"short", False), (None, False)]
)
async def test_keys_of_secret_manager(stored: bytes | None, *, is_available: bool) -> None:
    manager = FakeSecretManager()
    if stored is not None:
        manager.secrets[LATEST] = stored
    settings = SecretSettings(project="liftlog-test", timeout_s=20)
    async with connected(manager) as connect:
        reference = ApiKeySettings(keys=SecretStr("sm://openai-key"))
        keys = ApiKeys(reference, Secrets(settings, connect))
        assert await keys.find(None) is None
        assert not manager.requested
        if is_available:
            assert await keys.find("12345678") == NamedUser("anna")
            assert await keys.find("wrong-key") is None
            assert len(manager.requested) == 1
        else:
            with pytest.raises(DependencyUnavailable, match="API_KEYS"):
                await keys.find("12345678")
