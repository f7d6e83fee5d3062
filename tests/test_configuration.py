"""The settings in the code, and the pages that are generated from them."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from scripts.reference.__main__ import pages, write
from scripts.reference.declarations import descriptions
from scripts.reference.settings import classes, in_code, sections
from scripts.root import ROOT
from shared.planner.settings import ModelSettings
from shared.settings import Settings
from shared.store.settings import DatabaseSettings
from shared.telemetry.metrics import ALL
from tests.service_start import start


@pytest.mark.parametrize("name", ["docs/configuration.md", "docs/observability.md", ".env.example"])
def test_generated_page_is_current(name: str) -> None:
    assert (ROOT / name).read_text() == pages(start)[name], "run ./scripts/docs"


def test_only_changed_pages_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "same").write_text("text")
    write(tmp_path, {"same": "text", "new": "text"})
    assert capsys.readouterr().out == "same: unchanged\nnew: written\n"
    assert (tmp_path / "new").read_text() == "text"


def test_observability_page_has_a_row_for_every_metric() -> None:
    page = (ROOT / "docs" / "observability.md").read_text()
    assert re.findall(r"^\| `([a-z_.]+)` \| (?:counter|histogram|up-down)", page, re.MULTILINE) == [
        m.name for m in ALL
    ]


def test_every_setting_is_read_and_listed_once() -> None:
    found = [setting for section in sections(start) for setting in section.settings]
    variables = {c.variable(name) for c in classes() for name in c.model_fields}
    assert sorted(setting.variable for setting in found) == sorted(variables)
    assert all(setting.read_by for setting in found)


def test_every_setting_has_a_description() -> None:
    for settings in classes():
        assert settings.__doc__
        for name in settings.model_fields:
            description = descriptions(settings).get(name, "")
            assert re.match(r"(The|A|Whether|`True`) .+\.$", description, re.DOTALL), name


def test_variable_of_several_classes_has_one_description() -> None:
    described: dict[str, tuple[str | None, object]] = {}
    for settings in classes():
        for name, field in settings.model_fields.items():
            variable = settings.variable(name)
            own = (descriptions(settings).get(name), field.default)
            assert described.setdefault(variable, own) == own, variable


def test_env_example_changes_nothing_when_copied() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert all(line.startswith("#") or not line for line in lines)


def test_values_of_settings_show_type_and_bounds() -> None:
    values = {setting.variable: setting.values for setting in in_code(start)}
    assert values["FIRESTORE_RETRY_FOR_S"] == "seconds, over 0, up to 60"
    assert values["CLEANUP_PAGE_SIZE"] == "number, from 1, up to 100"
    assert values["LOG_FORMAT"] == "`json` or `text`"
    assert values["WEB_AUTH_KEY"] == "secret"
    assert values["TEST_MODE"] == "`True` or `False`"


def test_every_secret_has_a_secret_type() -> None:
    for settings in classes():
        for name, field in settings.model_fields.items():
            looks_secret = re.search(r"keys?$|secret", name) is not None
            assert looks_secret == (field.annotation == (SecretStr | None)), name


def test_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for settings in classes():
        for name in settings.model_fields:
            monkeypatch.setenv(settings.variable(name), "")
        assert settings().model_dump() == settings.model_construct().model_dump()


@pytest.mark.parametrize(
    ("settings", "variable"),
    [(ModelSettings, "OPENAI_RETRIES"), (DatabaseSettings, "FIRESTORE_RETRY_FOR_S")],
    ids=["by prefix", "by alias"],
)
def test_invalid_value_fails_start_and_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, settings: type[Settings], variable: str
) -> None:
    monkeypatch.setenv(variable, "SECRET-number")
    with pytest.raises(ValueError, match=f"^{variable}: Input should be a valid") as caught:
        settings()
    assert "SECRET-number" not in str(caught.value)
    assert caught.value.__suppress_context__
