"""Packages of npm."""

import json
from pathlib import Path

import pytest

from tests.functions.chat import browser, javascript_clients


@pytest.mark.parametrize(
    "lock", [javascript_clients.LOCK, browser.LOCK], ids=["signalr", "chromium"]
)
def test_lock_file_has_hashes_and_no_addresses(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    packages = json.loads(text)["packages"]
    assert len(packages) > 1
    assert all(each["integrity"] for name, each in packages.items() if name)
