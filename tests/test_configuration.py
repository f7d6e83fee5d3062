"""The settings in the code, against the README's table and `.env.example`."""

import re

import pytest
from pydantic import SecretStr

from scripts.root import ROOT
from shared.planner.settings import ModelSettings
from shared.settings import Settings
from shared.store.settings import DatabaseSettings
from tests.settings_in_code import Setting, classes, in_code


def test_the_readme_names_every_setting_as_it_is() -> None:
    rows = re.findall(
        r"^\| `([A-Z_]+)` \| (?:`(.+?)`)? ?\| (yes)? ?\| ([a-z, ]+) \| .+ \|$",
        (ROOT / "README.md").read_text(),
        re.MULTILINE,
    )
    assert len(rows) == len(set(rows))
    assert {Setting(name, d, hidden != "", by) for name, d, hidden, by in rows} == in_code()


def test_the_example_names_every_setting_as_it_is() -> None:
    text = (ROOT / ".env.example").read_text()
    entries = re.findall(r"((?:^# .*\n)+)^#([A-Z_]+)=(.*)$", text, re.MULTILINE)
    found = set()
    for comment, variable, default in entries:
        words = comment.replace("\n# ", " ")
        [read_by] = re.findall(r"Read by: ([a-z, ]+)\.", words)
        found.add(Setting(variable, default, "Secret." in words, read_by))
    assert len(found) == len(entries)
    assert found == in_code()


def test_the_example_changes_nothing_when_it_is_copied() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert all(line.startswith("#") or not line for line in lines)


def test_every_secret_is_kept_from_being_shown() -> None:
    for settings in classes():
        for name, field in settings.model_fields.items():
            looks_secret = re.search(r"key$|secret", name) is not None
            assert looks_secret == (field.annotation == (SecretStr | None)), name


def test_what_is_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for settings in classes():
        for name in settings.model_fields:
            monkeypatch.setenv(settings.variable(name), "")
        assert settings().model_dump() == settings.model_construct().model_dump()


@pytest.mark.parametrize(
    ("settings", "variable"),
    [(ModelSettings, "OPENAI_RETRIES"), (DatabaseSettings, "FIRESTORE_RETRY_FOR_S")],
    ids=["by prefix", "by alias"],
)
def test_a_wrong_value_fails_the_start_and_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, settings: type[Settings], variable: str
) -> None:
    monkeypatch.setenv(variable, "SECRET-number")
    with pytest.raises(ValueError, match=f"^{variable}: Input should be a valid") as caught:
        settings()
    assert "SECRET-number" not in str(caught.value)
    assert caught.value.__suppress_context__
