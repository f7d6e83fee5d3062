"""The command line of `./scripts/dev`."""

import argparse
from pathlib import Path

from scripts.local.ports import Ports, base_port
from scripts.local.storage import FILE, FIRESTORE_HOST, PUBSUB_HOST
from scripts.root import ROOT


def parse() -> argparse.Namespace:
    """Return the options; end the program if they are wrong."""
    parser = argparse.ArgumentParser(
        prog="./scripts/dev",
        description="Start the whole product on this machine.",
        epilog=f"Variables: {FILE} names another database file. {FIRESTORE_HOST} or {PUBSUB_HOST} "
        "names a running emulator, and implies --emulators. Options win over variables. "
        "The logs of started emulators are in .dev/.",
    )
    parser.add_argument(
        "--port",
        type=base_port,
        default=Ports.base,
        metavar="N",
        help="all routes at N (default: %(default)s), services from N+1, the Firestore "
        "emulator at N+10, the fakes at N+11, the Pub/Sub emulator at N+12",
    )
    parser.add_argument(
        "--isolated",
        action="store_true",
        help="one process per service, as in production, with the Functions Framework",
    )
    parser.add_argument(
        "--reload",
        action="store_true",
        help="restart the services when a file in functions/ or shared/ changes",
    )
    parser.add_argument(
        "--env-file",
        type=_file,
        default=ROOT / ".env",
        metavar="FILE",
        help="file with settings that the environment does not set (default: .env, if it exists)",
    )
    _add_database(parser)
    chosen = parser.parse_args()
    if chosen.emulators and (chosen.data or chosen.fresh):
        parser.error("the emulators have no file: use --emulators without --data and --fresh")
    return chosen


def _add_database(parser: argparse.ArgumentParser) -> None:
    database = parser.add_argument_group("database, kept in a file")
    database.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder of the file (default: .dev/data, with a file for each N)",
    )
    database.add_argument(
        "--fresh", action="store_true", help="delete the data of an earlier start first"
    )
    database.add_argument(
        "--emulators",
        action="store_true",
        help="instead of a file: Google's emulators of Firestore and Pub/Sub, which need Java "
        "and lose their data when they stop",
    )


def _file(text: str) -> Path:
    path = Path(text)
    if not path.exists():
        raise argparse.ArgumentTypeError(f"file not found: {text}")
    return path
