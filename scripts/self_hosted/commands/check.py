"""Check the database: its file, its index and its version. The status is 1 for a problem."""

import argparse

from scripts.self_hosted.backups import find_backups
from scripts.self_hosted.data_folder import DataFolder
from scripts.self_hosted.errors import CannotServeError
from scripts.self_hosted.progress import Progress, megabytes
from shared.store.engines.sqlite.maintenance import UnusableFileError, check, summarize


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Add no options."""


def run(folder: DataFolder, _options: argparse.Namespace) -> None:
    """Print the problems, or a summary of the database.

    Raises:
        CannotServeError: there is a problem.
    """
    with folder.kept():
        problems = _problems(folder)
        if problems:
            for problem in problems:
                print(f"problem: {problem}")
            raise CannotServeError(
                f"{folder.database} is damaged; stop the server, and restore the newest copy: "
                f"./scripts/serve restore COPY --data {folder.path}"
            )
        found = summarize(folder.database)
    print(f"file             {folder.database}")
    print(f"size             {megabytes(folder.database_bytes)}")
    print(f"schema version   {found.schema_version}")
    print(f"users            {found.users:,}")
    print(f"documents        {found.documents:,}")
    backups = find_backups(folder)
    if backups is not None:
        print(f"not checked      {backups}")
    print("no problems found")


def _problems(folder: DataFolder) -> list[str]:
    size = megabytes(folder.database_bytes)
    with Progress() as progress:
        try:
            return check(
                folder.database,
                lambda: progress.show(lambda: f"checking {size} for {progress.passed_s:.0f} s"),
            )
        except UnusableFileError as error:
            return [str(error)]
