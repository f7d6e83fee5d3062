"""The option, the databases and the errors of both `export` and `import`."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError

from scripts.migration.databases import Databases
from scripts.migration.errors import MigrationError
from scripts.self_hosted.errors import CannotServeError
from shared.errors import DependencyUnavailable
from shared.store.engines.sqlite.maintenance import UnusableFileError
from shared.store.settings import DatabaseSettings, QuotaSettings

# Firestore answers a call after some milliseconds, the file after some tenths of one.
_CONCURRENCY_OF_FIRESTORE, _CONCURRENCY_OF_FILE = 32, 4


def add_firestore(parser: argparse.ArgumentParser) -> None:
    """Add the option `--firestore`."""
    parser.add_argument(
        "--firestore",
        metavar="PROJECT",
        help="use Firestore of this Google Cloud project in place of --data",
    )


def databases_of_file(file: Path) -> Databases:
    """Return the database in a file."""
    settings = DatabaseSettings(file=file)
    return Databases(settings, QuotaSettings(database=None), _CONCURRENCY_OF_FILE)


def databases_of_project(project: str) -> Databases:
    """Return the databases in Firestore, which the environment names as for the services."""
    settings = DatabaseSettings(project=project, file=None)
    return Databases(settings, QuotaSettings(), _CONCURRENCY_OF_FIRESTORE)


@contextmanager
def errors_in_one_line(operation: str) -> Iterator[None]:
    """Translate the errors inside the block into CannotServeError."""
    try:
        yield
    except (MigrationError, UnusableFileError) as error:
        raise CannotServeError(f"{operation}: {error}") from None
    except DependencyUnavailable:
        raise CannotServeError(
            f"{operation}: the database does not respond, or rejects the account; check both, and "
            "repeat the command"
        ) from None
    except GoogleAuthError:
        raise CannotServeError(
            f"{operation}: there are no credentials for Google Cloud; run: "
            "gcloud auth application-default login"
        ) from None
    except GoogleAPIError as error:
        # The text of the error can contain values.
        raise CannotServeError(
            f"{operation}: Firestore rejects the request ({type(error).__name__}); check the names "
            "of the project and of the database"
        ) from None
    except OSError as error:
        raise CannotServeError(f"{operation}: {error.strerror}") from None
