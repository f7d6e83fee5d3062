"""Serve the backend until SIGTERM or Ctrl-C. This is the default."""

import argparse
import os
import socket

from functions.chat.server import open_listener
from functions.chat.settings import ChatSettings
from scripts.self_hosted import settings_file
from scripts.self_hosted.data_folder import DataFolder
from scripts.self_hosted.errors import CannotServeError
from shared.store.engines.sqlite.maintenance import UnusableFileError, prepare


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "--host", metavar="ADDRESS", help="the address to listen on (default: all, 0.0.0.0)"
    )
    parser.add_argument(
        "--port", type=int, metavar="N", help="the port to listen on (default: 8080)"
    )


def run(folder: DataFolder, options: argparse.Namespace) -> None:
    """Serve until a signal.

    Raises:
        CannotServeError: the folder, a setting or the port cannot be used.
    """
    folder.create()
    with folder.locked():
        settings_file.write_template(folder.settings)
        unknown = settings_file.load(folder.settings, os.environ)
        os.environ["DATABASE_FILE"] = str(folder.database)
        settings_file.add_backup_folder(folder.backups, os.environ)
        settings_file.check(folder.settings)
        _prepare_database(folder)
        with _listen(options.host, options.port) as listener:
            # Only now, because the import reads the environment.
            from scripts.self_hosted.running import serve  # noqa: PLC0415

            serve(folder, listener, unknown)


def _prepare_database(folder: DataFolder) -> None:
    """Create or upgrade the file now, so that an unusable file ends the start."""
    try:
        prepare(folder.database)
    except UnusableFileError as error:
        raise CannotServeError(f"cannot use {folder.database}: {error}") from None


def _listen(host: str | None, port: int | None) -> socket.socket:
    settings = ChatSettings()
    host, port = host or settings.host, settings.port if port is None else port
    try:
        return open_listener(host, port)
    except (OSError, OverflowError) as error:
        number = error.errno if isinstance(error, OSError) else None
        reason = "not a valid address" if number is None else os.strerror(number)
        raise CannotServeError(
            f"cannot listen on {host}:{port}: {reason}; choose others with --host and --port"
        ) from None
