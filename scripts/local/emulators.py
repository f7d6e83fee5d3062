"""`./scripts/emulators`: shows and installs Java and the emulators of Google."""

import argparse
import signal
import sys
from types import FrameType

import httpx
from rich.console import Console

from scripts.local.emulator import FIRESTORE, PLACES, PUBSUB
from scripts.local.emulator_downloads import BASE_URL, DownloadError
from scripts.local.emulator_installer import Installer, InstallError
from scripts.local.interruptions import ENDING

# The convention of shells: 128 plus the number of SIGINT.
_INTERRUPTED_STATUS = 130

console = Console(highlight=False, soft_wrap=True)


def main() -> int:
    """Run the command line; return the exit status."""
    options = _options()
    for number in ENDING:
        signal.signal(number, _interrupt)
    try:
        return _status() if options.command == "status" else _install(options.base_url)
    except KeyboardInterrupt:
        print("emulators: interrupted; nothing incomplete is left", file=sys.stderr)
        return _INTERRUPTED_STATUS
    except OSError as error:
        print(f"emulators: cannot write {PLACES.installed}: {error.strerror}", file=sys.stderr)
        return 1
    except (DownloadError, InstallError) as error:
        print(f"emulators: {error}", file=sys.stderr)
        return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./scripts/emulators",
        description="Show where Java and the emulators of Firestore and Pub/Sub are, or install "
        "those that this machine does not have.",
        epilog="status ends with 1 if a program is missing. install writes below .dev/emulators/ "
        "only, and uses the proxy that HTTPS_PROXY names.",
    )
    parser.add_argument(
        "command",
        choices=("status", "install"),
        nargs="?",
        default="status",
        help="default: %(default)s",
    )
    parser.add_argument(
        "--from",
        dest="base_url",
        type=_url,
        default=BASE_URL,
        metavar="URL",
        help="folder with the files of the emulators, for example of a mirror "
        "(default: %(default)s). The files are checked in any case",
    )
    return parser.parse_args()


def _url(text: str) -> str:
    try:
        is_valid = httpx.URL(text).scheme in {"http", "https"} and bool(httpx.URL(text).host)
    except httpx.InvalidURL:
        is_valid = False
    if not is_valid:
        raise argparse.ArgumentTypeError("not an http or https URL")
    return text


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _status() -> int:
    jars = {emulator: emulator.find(PLACES) for emulator in (FIRESTORE, PUBSUB)}
    found = {f"{emulator.title} emulator": jar for emulator, jar in jars.items()}
    # A missing emulator would be installed in this folder.
    found["Java"] = PLACES.find_java([jar or PLACES.installed for jar in jars.values()])
    for title, path in found.items():
        console.print(f"{title:<19} {path or 'not found'}")
    if all(found.values()):
        return 0
    console.print("next step           ./scripts/emulators install")
    return 1


def _install(base_url: str) -> int:
    Installer(console, base_url, PLACES).install()
    console.print("[bold green]everything is installed[/]")
    return 0


if __name__ == "__main__":
    sys.exit(main())
