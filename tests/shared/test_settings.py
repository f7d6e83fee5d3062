"""What holds without any configuration."""

import pytest

from shared.store.settings import DatabaseSettings


def test_a_call_to_the_store_ends_within_5_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRESTORE_ATTEMPT_TIMEOUT_S", "FIRESTORE_RETRY_FOR_S"):
        monkeypatch.delenv(name, raising=False)
    settings = DatabaseSettings()
    assert settings.attempt_timeout_s + settings.retry_for_s <= 5
