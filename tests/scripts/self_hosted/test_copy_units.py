"""The units of systemd that copy the database every night."""

import configparser
import shutil
import subprocess
from pathlib import Path

from scripts.root import ROOT
from tests.scripts.self_hosted.image import FOLDER
from tests.scripts.self_hosted.test_deployment_files import INSTALLED_IN, unit

_NAMES = ("liftlog-copy.service", "liftlog-copy.timer")


def test_copies_are_of_the_data_of_the_server() -> None:
    # A unit may repeat a name.
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read(FOLDER / "liftlog-copy.service")
    assert unit("Service")["ExecStart"].partition("--data ")[2].split()[0] in (
        parser["Service"]["ExecStart"].split()
    )


def test_backups_are_copied_from_the_folder_of_the_server() -> None:
    data = unit("Service")["ExecStart"].partition("--data ")[2].split()[0]
    lines = (FOLDER / "liftlog-copy.service").read_text().splitlines()
    [line] = [each for each in lines if "=-cp " in each]
    assert line.split()[-2:] == [f"{data}/backups", "/var/backups/liftlog/"]


def test_units_are_valid(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:  # macOS
        return
    for name in _NAMES:
        # systemd-analyze checks that the program exists.
        text = (FOLDER / name).read_text().replace(INSTALLED_IN, str(ROOT))
        (tmp_path / name).write_text(text)
    verified = subprocess.run(
        [analyze, "verify", *(tmp_path / name for name in _NAMES)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (verified.returncode, verified.stderr) == (0, "")
