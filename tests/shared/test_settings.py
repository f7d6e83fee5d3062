"""Defaults of settings that limit each other."""

import pytest

from shared.store.settings import DatabaseSettings


def test_database_call_ends_within_5_s_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRESTORE_ATTEMPT_TIMEOUT_S", "FIRESTORE_RETRY_FOR_S"):
        monkeypatch.delenv(name, raising=False)
    settings = DatabaseSettings()
    assert settings.attempt_timeout_s + settings.retry_for_s <= 5
