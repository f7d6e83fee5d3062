"""The settings in the code, against the README's table and `.env.example`."""

import importlib
import re
from dataclasses import dataclass
from functools import cache

import pytest
from pydantic import SecretStr

from scripts.local.ports import SERVICES
from scripts.local.stack import ROOT
from shared.settings import ModelSettings, Settings, StoreSettings
from tests.isolated import printed

_READ_AT_START = """
import importlib, json, sys
from shared.settings import Settings
made, make = set(), Settings.__init__
def note(self, *args, **kwargs):
    made.add(type(self).__name__)
    make(self, *args, **kwargs)
Settings.__init__ = note
importlib.import_module(sys.argv[1])
print(json.dumps(sorted(made)))
"""


@dataclass(frozen=True)
class Setting:
    """What is to be known of a variable."""

    variable: str
    default: str
    is_secret: bool
    read_by: str


@cache
def read_at_start(function: str) -> set[str]:
    """Return the names of the classes of settings that a function makes."""
    return set(printed(_READ_AT_START, f"functions.{function}.main"))


def in_code() -> set[Setting]:
    for function in SERVICES:
        importlib.import_module(f"functions.{function}.main")
    readers: dict[str, set[str]] = {}
    told: dict[str, tuple[str, bool]] = {}
    for settings in Settings.__subclasses__():
        for name, field in settings.model_fields.items():
            variable = settings.variable(name)
            default = "" if field.default is None else str(field.default)
            told[variable] = (default, field.annotation == (SecretStr | None))
            readers.setdefault(variable, set()).update(
                f for f in SERVICES if settings.__name__ in read_at_start(f)
            )
    return {Setting(variable, *told[variable], listed(readers[variable])) for variable in told}


def listed(functions: set[str]) -> str:
    if functions == set(SERVICES):
        return "all"
    return ", ".join(each for each in SERVICES if each in functions)


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
    for settings in Settings.__subclasses__():
        for name, field in settings.model_fields.items():
            looks_secret = re.search(r"key$|secret", name) is not None
            assert looks_secret == (field.annotation == (SecretStr | None)), name


def test_what_is_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for settings in Settings.__subclasses__():
        for name in settings.model_fields:
            monkeypatch.setenv(settings.variable(name), "")
        assert settings().model_dump() == settings.model_construct().model_dump()


@pytest.mark.parametrize(
    ("settings", "variable"),
    [(ModelSettings, "OPENAI_RETRIES"), (StoreSettings, "FIRESTORE_RETRY_FOR_S")],
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
