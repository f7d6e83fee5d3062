"""`canary`: gives new revisions more and more of the traffic, or none if they fail."""

import os
import signal
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from types import FrameType

from scripts.cloud.calls import FailedCallError
from scripts.cloud.command import RefusedError
from scripts.cloud.kept_object import KeptObject, Version
from scripts.local.interruptions import ENDING
from scripts.release import history
from scripts.release.delivery import Delivery
from scripts.release.release import Service
from scripts.release.running import TAG
from scripts.release.watch import Watch

_STEPS = (5, 25, 50)
_AT_ONCE = ("cleanup",)
"""Services that are not asked often enough to compare anything."""

_UPDATE = ("gcloud", "run", "services", "update-traffic")


def canary(delivery: Delivery) -> None:
    """Let the traffic over, for all services that changed side by side, while errors are counted.

    A chat stays with the revision that it began with for as long as its socket is open: up to an
    hour. What it counts is therefore mostly talks that were begun and ended within a step.

    Raises:
        RefusedError: the old revisions have all the traffic again; says why.
    """
    candidates = delivery.release("services", "apply").candidates
    if not candidates:
        delivery.say("no service has changed, so no traffic is to be moved")
        return
    _check(delivery, candidates, 0)
    _remember(delivery, candidates)
    watched = {name: each for name, each in candidates.items() if name not in _AT_ONCE}
    _interrupted_once()
    try:
        watch = Watch(delivery, watched, datetime.now(UTC))
        for percent in _STEPS if watched and not delivery.options.at_once else ():
            _share(delivery, watched, percent)
            watch.look_on(percent)
            _check(delivery, candidates, percent)
        _finish(delivery, candidates)
    except BaseException as error:  # noqa: BLE001 - nobody is to be left with the new revisions
        _undisturbed()
        _give_back(delivery, candidates, _reason(error))
    if not delivery.calls.is_dry:
        delivery.say(f"{', '.join(candidates)}: all traffic goes to the new revisions")


def _remember(delivery: Delivery, services: Mapping[str, Service]) -> None:
    """Keep which revisions have served until now: the way back, which Cloud Run does not know."""
    kept = KeptObject(delivery.calls, delivery.environment, history.FILE)
    before = kept.version(if_dry=Version("[]", "<its generation>"))
    replaced = {name: str(service.old) for name, service in services.items()}
    try:
        releases = history.with_release(history.read(before.text), replaced)
    except ValueError as error:
        raise RefusedError(f"{kept.url} cannot be used: {error}") from None
    kept.replace(before, history.written(releases))


def _share(delivery: Delivery, services: Mapping[str, Service], percent: int) -> None:
    for name, service in services.items():
        shares = f"{service.new}={percent},{service.old}={100 - percent}"
        delivery.calls.change(*_UPDATE, name, f"--to-revisions={shares}", *delivery.place)


def _finish(delivery: Delivery, services: Mapping[str, Service]) -> None:
    # By "latest", not by name: so Terraform finds it as it wants it.
    for name in services:
        flags = ("--to-latest", f"--remove-tags={TAG}")
        delivery.calls.change(*_UPDATE, name, *flags, *delivery.place)


def _check(delivery: Delivery, services: Mapping[str, Service], percent: int) -> None:
    """Refuse to go on if somebody else has deployed, or has moved the traffic.

    "Latest" would then be what nobody has tried, and traffic would return to what was left for good
    reason.
    """
    found = delivery.running()
    if delivery.calls.is_dry:
        return
    for name, service in services.items():
        if name not in found or found[name].newest != service.new:
            raise RefusedError(f"{name} was deployed by somebody else meanwhile")
        new = 0 if name in _AT_ONCE else percent
        wanted = {str(service.old): 100 - new} | ({service.new: new} if new else {})
        if found[name].shares != wanted:
            raise RefusedError(f"the traffic of {name} was moved by somebody else meanwhile")


def _give_back(delivery: Delivery, services: Mapping[str, Service], why: str) -> None:
    """Send all traffic to the old revisions; the tag stays, for whoever looks into it.

    Raises:
        RefusedError: always.
    """
    delivery.say(f"all traffic goes back to the old revisions: {why}", style="red")
    stuck = []
    for name, service in services.items():
        to = f"--to-revisions={service.old}=100"
        try:
            delivery.calls.change(*_UPDATE, name, to, *delivery.place)
        except FailedCallError as error:  # the others still have to go back
            delivery.say(str(error), style="red")
            stuck.append(name)
    environment = delivery.environment.name
    if stuck:
        raise RefusedError(
            f"{why}\n{', '.join(stuck)} DID NOT GO BACK: at once\n"
            f"  ./scripts/rollback --environment {environment} {' '.join(stuck)}"
        ) from None
    looked_at = [f"  {name}: {service.new}, {service.url}" for name, service in services.items()]
    raise RefusedError(
        "\n".join(
            [
                why,
                "The old revisions have all the traffic. Look at the logs of the new ones, which",
                "keep the tag candidate and an address of their own:",
                *looked_at,
            ]
        )
    ) from None


def _interrupted_once() -> None:
    """Take the first signal to end for an interruption, and no second one: see `_give_back`."""

    def interrupt(number: int, _frame: FrameType | None) -> None:
        _undisturbed()
        if number == signal.SIGHUP:
            # The terminal is gone, and whoever writes to it would fail.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.dup2(nowhere, sys.stderr.fileno())
        raise KeyboardInterrupt

    for number in ENDING:
        signal.signal(number, interrupt)


def _undisturbed() -> None:
    """Let nothing interrupt this process any more."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return str(error) if isinstance(error, FailedCallError | RefusedError) else repr(error)
