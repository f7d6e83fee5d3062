"""The choice of the database file of a stack."""

from pathlib import Path

import pytest

from scripts.local.database_file import DatabaseFile, find_file
from scripts.local.ports import Ports, url
from scripts.local.processes import Processes
from scripts.local.storage import CannotStartError
from scripts.root import ROOT

PORTS = Ports(21_000)
EMULATOR = {"FIRESTORE_EMULATOR_HOST": "127.0.0.1:1"}


def path_of(
    environment: dict[str, str], ports: Ports = PORTS, folder: Path | None = None
) -> Path | None:
    file = find_file(environment, ports, folder=folder)
    return None if file is None else file.path


@pytest.mark.parametrize(
    ("ports", "name"), [(Ports(), "liftlog.db"), (PORTS, "liftlog-21000.db")], ids=str
)
def test_each_port_has_its_own_file(ports: Ports, name: str) -> None:
    assert path_of({}, ports) == ROOT / ".dev" / "data" / name


def test_environment_names_the_file(tmp_path: Path) -> None:
    assert path_of({"DATABASE_FILE": f"{tmp_path}/mine.db"}) == tmp_path / "mine.db"


@pytest.mark.parametrize("variable", ["FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST"])
def test_named_emulator_replaces_the_file(variable: str) -> None:
    assert path_of({variable: "127.0.0.1:1", "DATABASE_FILE": ""}) is None


def test_given_folder_wins_over_the_environment(tmp_path: Path) -> None:
    environment = {"DATABASE_FILE": "/nowhere.db", **EMULATOR}
    assert path_of(environment, folder=tmp_path) == tmp_path / "liftlog.db"


@pytest.mark.parametrize(
    ("environment", "fresh", "problem"),
    [
        (
            {"DATABASE_FILE": "/a.db", **EMULATOR},
            False,
            "DATABASE_FILE and FIRESTORE_EMULATOR_HOST are set; unset one of them",
        ),
        ({"DATABASE_FILE": "/a.db"}, True, "unset DATABASE_FILE"),
        (EMULATOR, True, "unset FIRESTORE_EMULATOR_HOST"),
    ],
    ids=["two databases", "fresh named file", "fresh emulator"],
)
def test_contradictions_are_reported(
    environment: dict[str, str], fresh: bool, problem: str
) -> None:
    with pytest.raises(CannotStartError, match=problem):
        find_file(environment, PORTS, fresh=fresh)


def test_cleanup_gets_its_messages_from_the_fakes() -> None:
    file = find_file({}, PORTS)
    assert file is not None
    assert file.fakes_options == ["--topic", "cleanup", "--push-to", f"{url(21_007)}/"]


def test_folder_that_is_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    file = DatabaseFile(tmp_path / "file" / "liftlog.db", "http://127.0.0.1:1/")
    with Processes() as processes, pytest.raises(CannotStartError, match="--data DIR") as caught:
        file.start(processes)
    assert "\n" not in str(caught.value)


def test_fresh_start_deletes_database_and_backups(tmp_path: Path) -> None:
    kept, backup = tmp_path / "other", tmp_path / "liftlog-backups" / "anna" / "1.gz"
    backup.parent.mkdir(parents=True)
    for file in (kept, backup, tmp_path / "liftlog.db", tmp_path / "liftlog.db-wal"):
        file.touch()
    with Processes() as processes:
        DatabaseFile(tmp_path / "liftlog.db", "", is_fresh=True).start(processes)
    assert [*tmp_path.iterdir()] == [kept]
