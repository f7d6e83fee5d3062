"""`settings.env`."""

import re
from pathlib import Path

import pytest

from scripts.reference.settings import classes
from scripts.self_hosted.errors import CannotServeError
from scripts.self_hosted.settings_file import add_backup_folder, load, write_template
from scripts.self_hosted.settings_template import ALL, HIDDEN, OFFERED, template

SECRET = "SECRET-value"  # noqa: S105 - not a real one


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that does not exist yet."""
    return tmp_path / "settings.env"


def loaded(path: Path, text: str, **environment: str) -> dict[str, str]:
    """Return the environment after the file with `text` is loaded."""
    path.write_text(text)
    load(path, environment)
    return environment


def test_every_settings_class_is_validated() -> None:
    assert set(ALL) == set(classes())


def test_template_has_each_offered_setting_once_as_comment() -> None:
    names = re.findall(r"^#([A-Z][A-Z0-9_]*)=", template(), re.MULTILINE)
    offered = {each.variable(name) for each in OFFERED for name in each.model_fields}
    assert offered >= HIDDEN
    assert sorted(names) == sorted(offered - HIDDEN)
    assert all(line.startswith("#") or not line for line in template().splitlines())
    assert "#LOG_FORMAT=text\n" in template()
    assert "Read by" not in template()


def test_template_is_valid_without_its_comments(path: Path) -> None:
    lines = re.sub(r"^#(?=[A-Z][A-Z0-9_]*=)", "", template(), flags=re.MULTILINE)
    environment = loaded(path, lines)
    assert environment["OPENAI_MODEL"] == "gpt-4o"
    assert "WEB_AUTH_KEY" not in environment  # empty, so not set


def test_existing_file_is_kept(path: Path) -> None:
    path.write_text("OPENAI_MODEL=mine\n")
    write_template(path)
    assert path.read_text() == "OPENAI_MODEL=mine\n"


def test_environment_wins_over_the_file(path: Path) -> None:
    environment = loaded(
        path, "OPENAI_MODEL=of file\nWEB_AUTH_KEY='a b'\n", OPENAI_MODEL="mine", WEB_AUTH_KEY=""
    )
    assert (environment["OPENAI_MODEL"], environment["WEB_AUTH_KEY"]) == ("mine", "a b")


def test_values_are_not_expanded(path: Path) -> None:
    assert loaded(path, "WEB_AUTH_KEY=a$HOME${HOME}\n", HOME="x")["WEB_AUTH_KEY"] == (
        "a$HOME${HOME}"
    )


def test_log_is_text_by_default(path: Path) -> None:
    assert loaded(path, "")["LOG_FORMAT"] == "text"
    assert loaded(path, "LOG_FORMAT=json")["LOG_FORMAT"] == "json"
    assert loaded(path, "", LOG_FORMAT="json")["LOG_FORMAT"] == "json"


def test_model_server_at_home_needs_no_key(path: Path) -> None:
    assert "OPENAI_API_KEY" not in loaded(path, "")
    base = "OPENAI_BASE_URL=http://localhost:11434/v1\n"
    assert loaded(path, base)["OPENAI_API_KEY"] == "none"
    assert loaded(path, f"{base}OPENAI_API_KEY=mine")["OPENAI_API_KEY"] == "mine"


def test_template_describes_shared_keys() -> None:
    assert "API_KEYS=alice=KEY-OF-ALICE,bob=KEY-OF-BOB" in template()
    assert "share their backups: each of them can read and delete all of them" in template()


@pytest.mark.parametrize(
    ("environment", "added"),
    [
        ({}, {"BACKUP_FOLDER": "data/backups"}),
        ({"BACKUP_FOLDER": ""}, {"BACKUP_FOLDER": "data/backups"}),
        ({"BACKUP_FOLDER": "mine"}, {}),
        ({"BACKUP_BUCKET": "mine"}, {}),
    ],
)
def test_backups_are_in_the_data_folder_by_default(
    environment: dict[str, str], added: dict[str, str]
) -> None:
    expected = environment | added
    add_backup_folder(Path("data/backups"), environment)
    assert environment == expected


def test_unknown_names_are_returned(path: Path) -> None:
    path.write_text("OPENAI_KEY=x\nOPENAI_MODEL=y\nGOOGLE_APPLICATION_CREDENTIALS=z\n")
    assert load(path, {}) == {"OPENAI_KEY"}


@pytest.mark.parametrize("line", [SECRET, f"{SECRET} x", f"WEB_AUTH_KEY='{SECRET}"])
def test_malformed_line_is_reported_without_its_text(path: Path, line: str) -> None:
    with pytest.raises(CannotServeError) as caught:
        loaded(path, f"# a comment\n{line}\n")
    assert str(caught.value) == f"{path}, line 2: write NAME=value"


def test_unreadable_file_is_reported(path: Path) -> None:
    path.write_bytes(b"WEB_AUTH_KEY=\xff\n")
    with pytest.raises(CannotServeError, match=f"^cannot read {path}: UnicodeDecodeError$"):
        load(path, {})
