"""`canary`: moves the traffic to the new revisions in steps, or back if one fails."""

import os
import signal
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from types import FrameType

from scripts.cloud.command import RefusedError
from scripts.cloud.runner import CommandFailedError
from scripts.cloud.stored_object import ObjectVersion, StoredObject
from scripts.local.interruptions import ENDING
from scripts.release import previous_revisions
from scripts.release.canary_watch import CanaryWatch
from scripts.release.context import ReleaseContext
from scripts.release.deployed_services import CANDIDATE_TAG
from scripts.release.release import Service

# A small first step limits the damage of a broken revision; larger ones show it under load.
_STEP_PERCENTS = (5, 25, 50)
_UNWATCHED_SERVICES = ("cleanup",)
"""Services with too few requests for a comparison."""

Services = Mapping[str, Service]


def canary(context: ReleaseContext) -> None:
    """Move the traffic of all changed services together, and watch their errors.

    A WebSocket stays on its revision until it closes, at most an hour. So the chat is judged mainly
    by conversations that begin and end within a step.

    Raises:
        RefusedError: the old revisions have all traffic again; the message has the reason.
    """
    candidates = context.load_release("services", "apply").candidates
    if not candidates:
        context.print("no service has a new revision; the traffic stays as it is")
        return
    # A stage can run alone, so hours may have passed since `apply`.
    _check_unchanged(context, candidates, 0)
    _record_previous(context, candidates)
    watched = {name: each for name, each in candidates.items() if name not in _UNWATCHED_SERVICES}
    # From here on, an error or a signal must leave all traffic on one revision.
    _interrupt_once()
    try:
        watch = CanaryWatch(context, watched, datetime.now(UTC))
        for percent in _STEP_PERCENTS if watched and not context.options.at_once else ():
            _split(context, watched, percent)
            watch.watch_step(percent)
            _check_unchanged(context, candidates, percent)
        _promote(context, candidates)
    except BaseException as error:  # noqa: BLE001 - every failure has to move the traffic back
        _ignore_signals()
        _roll_back(context, candidates, _reason(error))
    if not context.runner.is_dry:
        context.print(f"{', '.join(candidates)}: the new revisions have all traffic")


def _record_previous(context: ReleaseContext, services: Services) -> None:
    """Record the old revisions for `./scripts/rollback`, before any traffic moves."""
    stored = StoredObject(context.runner, context.environment, previous_revisions.OBJECT_NAME)
    version = stored.read_version(if_dry=ObjectVersion("[]", "<its generation>"))
    replaced = {name: str(service.old) for name, service in services.items()}
    try:
        history = previous_revisions.parse_history(version.text)
    except ValueError as error:
        raise RefusedError(f"{stored.url} is not valid: {error}") from None
    history = previous_revisions.add_release(history, replaced)
    stored.replace(version, previous_revisions.format_history(history))


def _split(context: ReleaseContext, services: Services, percent: int) -> None:
    for name, service in services.items():
        split = f"{service.new}={percent},{service.old}={100 - percent}"
        context.update_traffic(name, f"--to-revisions={split}")


def _promote(context: ReleaseContext, services: Services) -> None:
    # By name, never "latest": a later revision would get all traffic without a test.
    for name, service in services.items():
        flags = (f"--to-revisions={service.new}=100", f"--remove-tags={CANDIDATE_TAG}")
        context.update_traffic(name, *flags)


def _check_unchanged(context: ReleaseContext, services: Services, percent: int) -> None:
    """Refuse to continue after a deployment or a traffic change by another process.

    A rollback has priority over this release. A newer revision belongs to a later release, which
    then also releases these changes.
    """
    found = context.services()
    if context.runner.is_dry:
        return
    for name, service in services.items():
        if name not in found or found[name].newest != service.new:
            raise RefusedError(f"another process deployed {name} during this release")
        new = 0 if name in _UNWATCHED_SERVICES else percent
        expected = {str(service.old): 100 - new} | ({service.new: new} if new else {})
        if found[name].traffic != expected:
            raise RefusedError(f"another process changed the traffic of {name}")


def _roll_back(context: ReleaseContext, services: Services, reason: str) -> None:
    """Move all traffic to the old revisions; the tag stays, for an analysis.

    Raises:
        RefusedError: always.
    """
    context.print(f"moving all traffic back to the old revisions: {reason}", style="red")
    failed = []
    for name, service in services.items():
        try:
            context.update_traffic(name, f"--to-revisions={service.old}=100")
        except CommandFailedError as error:  # the other services still have to move back
            context.print(str(error), style="red")
            failed.append(name)
    environment = context.environment.name
    if failed:
        raise RefusedError(
            f"{reason}\n{', '.join(failed)} NOT MOVED BACK. Run now:\n"
            f"  ./scripts/rollback --environment {environment} {' '.join(failed)}"
        ) from None
    addresses = [f"  {name}: {service.new}, {service.url}" for name, service in services.items()]
    raise RefusedError(
        "\n".join(
            [
                reason,
                "The old revisions have all traffic. The new ones keep the tag candidate and",
                "their own addresses; see their logs:",
                *addresses,
            ]
        )
    ) from None


def _interrupt_once() -> None:
    """Let the first signal start the rollback, and ignore later ones until it is done."""

    def interrupt(number: int, _frame: FrameType | None) -> None:
        _ignore_signals()
        if number == signal.SIGHUP:
            # The terminal is closed: output to it would raise and stop the rollback.
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, sys.stdout.fileno())
            os.dup2(null, sys.stderr.fileno())
        raise KeyboardInterrupt

    for number in ENDING:
        signal.signal(number, interrupt)


def _ignore_signals() -> None:
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return str(error) if isinstance(error, CommandFailedError | RefusedError) else repr(error)
