"""`settings.env`: the settings that the environment does not set."""

import os
from collections.abc import MutableMapping
from pathlib import Path

from dotenv.parser import parse_stream
from pydantic import SecretStr

from scripts.self_hosted.errors import CannotServeError
from scripts.self_hosted.settings_template import ALL, DEFAULTS, template
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings

_FILE_MODE = 0o600
# Google's library reads it.
_FOREIGN_VARIABLES = {"GOOGLE_APPLICATION_CREDENTIALS"}


def write_template(path: Path) -> None:
    """Write a new file that only its owner can read; keep an existing file."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    except FileExistsError:
        return
    with open(file, "w", encoding="utf-8") as target:  # noqa: PTH123 - an open descriptor
        target.write(template())


def load(path: Path, environment: MutableMapping[str, str]) -> set[str]:
    """Add the file's settings, and then the defaults, to the variables that are not set.

    Returns:
        The unknown names in the file, for example because of a typo.

    Raises:
        CannotServeError: the file cannot be read, or a line has no valid form.
    """
    values = _read(path)
    for name, value in {**DEFAULTS, **values}.items():
        # An empty variable counts as not set, as in all settings.
        if value and not environment.get(name):
            environment[name] = value
    if environment.get("OPENAI_BASE_URL") and not environment.get("OPENAI_API_KEY"):
        environment["OPENAI_API_KEY"] = "none"  # a model server at home usually needs no key
    known = {each.variable(name) for each in ALL for name in each.model_fields}
    return values.keys() - known - _FOREIGN_VARIABLES


def add_backup_folder(default: Path, environment: MutableMapping[str, str]) -> None:
    """Set the folder of backups to `default`, unless the environment names a place."""
    if not environment.get("BACKUP_BUCKET") and not environment.get("BACKUP_FOLDER"):
        environment["BACKUP_FOLDER"] = str(default)


def check(path: Path) -> None:
    """Validate the environment variables of all settings.

    Raises:
        CannotServeError: a value is invalid; names the variable, without its value.
    """
    try:
        secrets = Secrets(SecretSettings())
        for each in ALL:
            settings = each()
            for name, field in each.model_fields.items():
                if field.annotation == (SecretStr | None):
                    secrets.get(settings, name)
    except ValueError as error:
        # `Settings` and `Secrets` write the message, without the value.
        raise CannotServeError(f"{error}; correct it in {path} or in the environment") from None


def _read(path: Path) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8") as lines:
            bindings = list(parse_stream(lines))
    except (OSError, UnicodeDecodeError) as error:
        raise CannotServeError(f"cannot read {path}: {type(error).__name__}") from None
    for each in bindings:
        if each.error or (each.key is not None and each.value is None):
            raise CannotServeError(f"{path}, line {each.original.line}: write NAME=value")
    return {each.key: each.value for each in bindings if each.key and each.value is not None}
