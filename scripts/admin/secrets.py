"""`./scripts/secrets`: lists the secrets, sets a new value, disables old versions."""

import argparse
import json
import math
import sys
from datetime import UTC, datetime

from rich.table import Table

from scripts.admin.secret_values import read_value
from scripts.admin.secret_versions import (
    Version,
    find_problem,
    format_age,
    outdated_versions,
    read_versions,
    remaining_use_s,
)
from scripts.cloud.command import CommandContext, RefusedError, command_line, run_command
from scripts.cloud.known_secrets import (
    KNOWN_SECRETS,
    MAX_SECRET_AGE_S,
    KnownSecret,
    get_secret,
)

_COMMANDS = ("list", "set", "retire")
_EXAMPLES = """\
  ./scripts/secrets --environment prod list
  ./scripts/secrets --environment prod set WEB_AUTH_KEY
  ./scripts/secrets --environment prod set APPLE_PRIVATE_KEY < AuthKey_ABC1234567.p8
  ./scripts/secrets --environment prod retire WEB_AUTH_KEY --dry-run
  ./scripts/secrets --environment prod retire WEB_AUTH_KEY"""


def main() -> int:
    """Run the command line; return the exit status."""
    return run_command(_options(), lambda context: _Secrets(context).run(), CommandContext)


class _Secrets:
    def __init__(self, context: CommandContext) -> None:
        self._context = context
        self._options = context.options
        self._environment = context.environment
        self._runner = context.runner
        self._console = context.console
        self._project = context.project_flag

    def run(self) -> int:
        if self._options.command == "list":
            return self._list()
        try:
            secret = get_secret(self._options.name)
            return self._set(secret) if self._options.command == "set" else self._retire(secret)
        except ValueError as error:
            raise RefusedError(str(error)) from None

    def _list(self) -> int:
        listed = self._runner.read("gcloud", "secrets", "list", self._project, "--format=json")
        # gcloud fails for the versions of a secret that does not exist.
        existing = {each["name"].rpartition("/")[2] for each in json.loads(listed)}
        table = Table("variable", "secret", "newest version", "age", "enabled", "read by", "")
        now, is_complete = datetime.now(UTC), True
        for secret in KNOWN_SECRETS:
            versions = self._versions(secret) if secret.id in existing else []
            note = find_problem(versions)
            if secret.id not in existing:
                note = "missing: ./scripts/deploy creates it"
            if not self._is_configured(secret):
                note = f"not in `secrets` in {self._file}"
            else:
                is_complete = is_complete and note is None
            readers = ", ".join(secret.read_by)
            table.add_row(secret.variable, secret.id, *_summary(versions, now), readers, note or "")
        self._console.print(table)
        return 0 if is_complete else 1

    def _set(self, secret: KnownSecret) -> int:
        self._versions(secret)  # fails before the prompt if the secret does not exist
        value = "" if self._runner.is_dry else read_value(secret)
        # On standard input: arguments are visible in process lists.
        command = ("gcloud", "secrets", "versions", "add", secret.id, "--data-file=-")
        self._runner.change(*command, self._project, stdin=value)
        if not self._is_configured(secret):
            self._console.print(f"No service reads it before `secrets` in {self._file} names it.")
            return 0
        self._console.print(
            f"{' and '.join(secret.read_by)} use it within {MAX_SECRET_AGE_S:.0f} s "
            "(SECRET_REFRESH_S), without a deployment.\n"
            "Then revoke the old value at its provider, and disable its version:\n"
            f"  ./scripts/secrets --environment {self._environment.name} retire {secret.id}"
        )
        return 0

    def _retire(self, secret: KnownSecret) -> int:
        versions = self._versions(secret)
        old = outdated_versions(versions)
        newest = versions[-1]
        if not old:
            self._console.print(f"nothing to do: only version {newest.number} is enabled")
            return 0
        # Instances cache a value for this time, so the previous one may still be in use.
        left = remaining_use_s(newest, datetime.now(UTC), MAX_SECRET_AGE_S)
        if left and not self._options.yes:
            raise RefusedError(
                f"version {newest.number} is new: {' and '.join(secret.read_by)} may still use the "
                f"previous one for {math.ceil(left)} s. Wait, or use --yes"
            )
        # Disabled, not destroyed: a disabled version can be enabled again.
        numbers = [str(version.number) for version in old]
        self._console.print(f"Version {newest.number}, the newest, stays enabled. To undo:")
        for number in numbers:
            command = " ".join(self._version_command("enable", number, secret))
            self._console.print(f"  {command}", style="dim")
        self._context.confirm(f"Disable version {', '.join(numbers)}?")
        for number in numbers:
            self._runner.change(*self._version_command("disable", number, secret))
        return 0

    def _version_command(self, verb: str, number: str, secret: KnownSecret) -> tuple[str, ...]:
        command = ("gcloud", "secrets", "versions", verb, number)
        return (*command, f"--secret={secret.id}", self._project)

    def _is_configured(self, secret: KnownSecret) -> bool:
        configured = self._environment.secrets
        return configured is None or secret.variable in configured

    @property
    def _file(self) -> str:
        return f"infra/{self._environment.name}.tfvars"

    def _versions(self, secret: KnownSecret) -> list[Version]:
        command = ("gcloud", "secrets", "versions", "list", secret.id)
        return read_versions(self._runner.read(*command, self._project, "--format=json"))


def _summary(versions: list[Version], now: datetime) -> tuple[str, str, str]:
    if not versions:
        return "", "", ""
    newest = versions[-1]
    enabled = sum(version.is_enabled for version in versions)
    return str(newest.number), format_age(newest, now), str(enabled)


def _command(text: str) -> str:
    if text not in _COMMANDS:
        raise argparse.ArgumentTypeError(f"not one of {', '.join(_COMMANDS)}")
    return text


def _options() -> argparse.Namespace:
    parser = command_line(
        "secrets",
        "List the secrets, set a new value, or disable old versions.\n"
        "A value comes from a hidden prompt or standard input, and is never printed.",
        _EXAMPLES,
    )
    parser.add_argument(
        "command",
        metavar="COMMAND",
        type=_command,
        help="list: all secrets; set: a new value; retire: disable all versions but the newest",
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="WEB_AUTH_KEY, or web-auth-key")
    # argparse would repeat unknown arguments in its error, and one may be a value.
    options, unknown = parser.parse_known_args()
    if unknown:
        parser.error("too many arguments; the value comes from a prompt or standard input")
    if (options.command == "list") != (options.name is None):
        parser.error("set and retire need a NAME, list takes none")
    return options


if __name__ == "__main__":
    sys.exit(main())
