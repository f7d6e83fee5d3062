"""`./scripts/secrets`: which secrets there are, a new value for one, the end of its old ones."""

import argparse
import json
import math
import sys
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from scripts.admin.secret_values import take
from scripts.admin.secret_versions import Version, age, left_s, outdated, trouble, versions
from scripts.cloud.calls import Calls
from scripts.cloud.command import RefusedError, carry_out, command_line, confirm
from scripts.cloud.environments import Environment
from scripts.cloud.known_secrets import KNOWN, REFRESH_S, KnownSecret, find

_COMMANDS = ("list", "set", "retire")
_EXAMPLES = """\
  ./scripts/secrets --environment prod list
  ./scripts/secrets --environment prod set WEB_AUTH_KEY
  ./scripts/secrets --environment prod set APPLE_PRIVATE_KEY < AuthKey_ABC1234567.p8
  ./scripts/secrets --environment prod retire WEB_AUTH_KEY --dry-run
  ./scripts/secrets --environment prod retire WEB_AUTH_KEY"""


def main() -> int:
    """Do what the command line says; return the exit status."""
    options = _options()
    return carry_out(
        options,
        lambda environment, calls, console: _Secrets(
            options, environment, calls, console
        ).carry_out(),
    )


class _Secrets:
    def __init__(
        self, options: argparse.Namespace, environment: Environment, calls: Calls, console: Console
    ) -> None:
        self._options = options
        self._environment = environment
        self._calls = calls
        self._console = console
        self._project = f"--project={environment.project}"

    def carry_out(self) -> int:
        if self._options.command == "list":
            return self._list()
        try:
            secret = find(self._options.name)
            return self._set(secret) if self._options.command == "set" else self._retire(secret)
        except ValueError as error:
            raise RefusedError(str(error)) from None

    def _list(self) -> int:
        listed = self._calls.read("gcloud", "secrets", "list", self._project, "--format=json")
        there = {each["name"].rpartition("/")[2] for each in json.loads(listed)}
        table = Table("variable", "secret", "newest version", "age", "enabled", "read by", "")
        now, is_well = datetime.now(UTC), True
        for secret in KNOWN:
            found = self._versions(secret) if secret.id in there else []
            why = (
                trouble(found) if secret.id in there else "is not there: ./scripts/deploy makes it"
            )
            if not self._is_in_use(secret):
                why = f"no service is told of it: `secrets` in {self._file}"
            else:
                is_well = is_well and why is None
            readers = ", ".join(secret.read_by)
            table.add_row(secret.variable, secret.id, *_about(found, now), readers, why or "")
        self._console.print(table)
        return 0 if is_well else 1

    def _set(self, secret: KnownSecret) -> int:
        self._versions(secret)  # whether it is there, before somebody types its value
        value = "" if self._calls.is_dry else take(secret)
        command = ("gcloud", "secrets", "versions", "add", secret.id, "--data-file=-")
        self._calls.change(*command, self._project, takes=value)
        if not self._is_in_use(secret):
            self._console.print(
                f"No service is told of it before `secrets` in {self._file} names it."
            )
            return 0
        self._console.print(
            f"{' and '.join(secret.read_by)} take it within {REFRESH_S:.0f} s (SECRET_REFRESH_S), "
            "without a deployment.\n"
            "Then the old value can be revoked where it is from, and its version disabled:\n"
            f"  ./scripts/secrets --environment {self._environment.name} retire {secret.id}"
        )
        return 0

    def _retire(self, secret: KnownSecret) -> int:
        found = self._versions(secret)
        old = outdated(found)
        if not old:
            self._console.print(f"nothing to do: only version {found[-1].number} is enabled")
            return 0
        left = left_s(found[-1], datetime.now(UTC), REFRESH_S)
        if left and not self._options.yes:
            raise RefusedError(
                f"version {found[-1].number} is so new that {' and '.join(secret.read_by)} may "
                f"still use the one before: try again in {math.ceil(left)} s, or say --yes"
            )
        numbers = [str(version.number) for version in old]
        self._console.print(f"Version {found[-1].number}, the newest, stays. This can be undone:")
        for number in numbers:
            self._console.print(f"  {' '.join(self._call('enable', number, secret))}", style="dim")
        confirm(f"Disable version {', '.join(numbers)}?", self._options, self._console)
        for number in numbers:
            self._calls.change(*self._call("disable", number, secret))
        return 0

    def _call(self, verb: str, number: str, secret: KnownSecret) -> tuple[str, ...]:
        command = ("gcloud", "secrets", "versions", verb, number)
        return (*command, f"--secret={secret.id}", self._project)

    def _is_in_use(self, secret: KnownSecret) -> bool:
        in_use = self._environment.secrets
        return in_use is None or secret.variable in in_use

    @property
    def _file(self) -> str:
        return f"infra/{self._environment.name}.tfvars"

    def _versions(self, secret: KnownSecret) -> list[Version]:
        command = ("gcloud", "secrets", "versions", "list", secret.id)
        return versions(self._calls.read(*command, self._project, "--format=json"))


def _about(found: list[Version], now: datetime) -> tuple[str, str, str]:
    if not found:
        return "", "", ""
    newest = found[-1]
    enabled = sum(version.is_enabled for version in found)
    return str(newest.number), age(newest, now), str(enabled)


def _command(text: str) -> str:
    if text not in _COMMANDS:
        raise argparse.ArgumentTypeError(f"none of {', '.join(_COMMANDS)}")
    return text


def _options() -> argparse.Namespace:
    parser = command_line(
        "secrets",
        "Show which secrets there are, give one a new value, or disable its old ones.\n"
        "A value is typed unseen, or read from the standard input; it is shown nowhere.",
        _EXAMPLES,
    )
    parser.add_argument(
        "command",
        metavar="COMMAND",
        type=_command,
        help="list: what there is; set: a new value; retire: disable all versions but the newest",
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="WEB_AUTH_KEY, or web-auth-key")
    # Nothing that is refused is repeated: it may be a value.
    options, unknown = parser.parse_known_args()
    if unknown:
        parser.error("there is more than NAME; a value is asked for, or read from standard input")
    if (options.command == "list") != (options.name is None):
        parser.error("set and retire need a NAME, list takes none")
    return options


if __name__ == "__main__":
    sys.exit(main())
