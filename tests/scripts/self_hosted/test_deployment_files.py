"""The compose file, the proxy's file and the systemd unit, compared with the image and the code."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.chat.settings import ChatSettings
from scripts.root import ROOT
from tests.scripts.self_hosted.image import FOLDER, stages

COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
SERVER, PROXY = COMPOSE["services"]["server"], COMPOSE["services"]["proxy"]
UNIT_FILE = FOLDER / "liftlog.service"
INSTALLED_IN = "/opt/liftlog"


def unit(section: str) -> dict[str, str]:
    """Return a section of the systemd unit."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # keeps capitals
    parser.read(UNIT_FILE)
    return dict(parser[section])


def test_compose_builds_the_image_from_the_repository() -> None:
    context = (FOLDER / SERVER["build"]["context"]).resolve()
    assert context == ROOT
    assert context / SERVER["build"]["dockerfile"] == FOLDER / "Dockerfile"


def test_data_is_on_a_named_volume() -> None:
    [volume] = stages()[1].all("VOLUME")
    [mount] = SERVER["volumes"]
    name, target = mount.split(":")
    assert target == volume
    assert name in COMPOSE["volumes"]


def test_only_the_proxy_is_exposed() -> None:
    assert [name for name, each in COMPOSE["services"].items() if "ports" in each] == ["proxy"]
    assert PROXY["ports"] == ["80:80", "443:443", "443:443/udp"]
    [port] = stages()[1].all("EXPOSE")
    assert f"reverse_proxy server:{port}\n" in (FOLDER / "Caddyfile").read_text()


def test_proxy_waits_for_the_health_of_the_server() -> None:
    assert stages()[1].all("HEALTHCHECK")
    assert PROXY["depends_on"] == {"server": {"condition": "service_healthy"}}


@pytest.mark.parametrize("name", ["server", "proxy"])
def test_containers_are_restricted(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"]
    assert service["tmpfs"] == ["/tmp"]  # noqa: S108 - in a container
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"
    # The image has its own user, which is not root.
    assert "user" not in service


def test_domain_is_passed_to_the_proxy() -> None:
    assert PROXY["environment"]["LIFTLOG_DOMAIN"].startswith("${LIFTLOG_DOMAIN:?")
    assert "\n{$LIFTLOG_DOMAIN} {\n" in (FOLDER / "Caddyfile").read_text()


def test_proxy_writes_no_access_log() -> None:
    # The URL of a WebSocket contains the purchase token.
    assert not re.search(r"^\s*log\b", (FOLDER / "Caddyfile").read_text(), re.MULTILINE)


def test_stop_waits_for_the_grace_period() -> None:
    grace_s = ChatSettings().grace_s
    assert int(SERVER["stop_grace_period"].removesuffix("s")) > grace_s + 5
    assert int(unit("Service")["TimeoutStopSec"]) > grace_s + 5


def test_unit_keeps_its_data_in_the_state_directory() -> None:
    service = unit("Service")
    assert service["ExecStart"] == (
        f"{INSTALLED_IN}/scripts/serve --data /var/lib/{service['StateDirectory']}"
    )
    assert (service["DynamicUser"], service["ProtectSystem"]) == ("yes", "strict")
    assert (service["UMask"], service["StateDirectoryMode"]) == ("0077", "0700")
    assert (ROOT / "scripts" / "serve").stat().st_mode & 0o111 == 0o111


def test_unit_is_valid(tmp_path: Path) -> None:
    known = {
        *unit("Unit").keys() - {"Description", "Wants", "After"},
        *unit("Install").keys() - {"WantedBy"},
    }
    assert not known
    analyze = shutil.which("systemd-analyze")
    if analyze is None:  # macOS
        return
    copy = tmp_path / UNIT_FILE.name
    # systemd-analyze checks that the program exists.
    copy.write_text(UNIT_FILE.read_text().replace(INSTALLED_IN, str(ROOT)))
    verified = subprocess.run(
        [analyze, "verify", copy], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")
