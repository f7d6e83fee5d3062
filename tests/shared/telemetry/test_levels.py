"""What goes to the log."""

import logging

import pytest

from shared.telemetry.logs import set_levels


@pytest.mark.parametrize("library", ["httpx2", "openai", "openai._base_client", "google.auth"])
def test_libraries_that_know_secrets_only_warn(library: str) -> None:
    set_levels()
    assert not logging.getLogger(library).isEnabledFor(logging.INFO)
    assert logging.getLogger(library).isEnabledFor(logging.WARNING)


def test_our_own_news_are_told_whatever_the_platform_sets() -> None:
    set_levels()
    assert logging.getLogger("shared.planner.model").isEnabledFor(logging.INFO)
