"""Fixtures of the tests of the self-hosted server."""

from pathlib import Path

import pytest

from tests.scripts.self_hosted.installation import Installation


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """An installation whose data folder does not exist yet."""
    return Installation(tmp_path / "data")
