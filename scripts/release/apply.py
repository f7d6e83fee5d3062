"""`apply`: lets Terraform make new revisions that get no traffic, and gives them addresses."""

from collections.abc import Mapping
from dataclasses import replace

from scripts.cloud.calls import FailedCallError
from scripts.cloud.command import RefusedError, confirm
from scripts.release.changes import differences
from scripts.release.delivery import Delivery
from scripts.release.plan import show
from scripts.release.release import Release, Service
from scripts.release.running import TAG, Running
from scripts.release.terraform import Terraform

_UPDATE = ("gcloud", "run", "services", "update-traffic")


def apply(delivery: Delivery) -> None:
    """Do what was planned, while the traffic stays with the revisions that serve now.

    Raises:
        RefusedError: the answer was no, the plan has changed, or something did not work.
    """
    release = delivery.release("changes", "plan")
    before = delivery.settled()
    held = list(before) if delivery.calls.is_dry else [n for n in release.held if n in before]
    if not release.changes and not held:
        delivery.say("nothing is to be applied")
    else:
        question = f"Apply this to {delivery.environment.project}?"
        confirm(question, delivery.options, delivery.console)
        serving = {name: str(before[name].serving) for name in held}
        _apply(delivery, release, serving)
    after = _ready(delivery, before, held)
    for name in held:
        new = f"<new revision of {name}>" if delivery.calls.is_dry else after[name].newest
        if new != before[name].serving:
            tag = f"--update-tags={TAG}={new}"
            delivery.calls.change(*_UPDATE, name, tag, *delivery.place)
    _save(delivery, release, before, held)


def _apply(delivery: Delivery, release: Release, serving: Mapping[str, str]) -> None:
    pinned = []
    try:
        for name, revision in serving.items():
            to = f"--to-revisions={revision}=100"
            delivery.calls.change(*_UPDATE, name, to, *delivery.place)
            pinned.append(f"{name} stays with {revision}")
        terraform = Terraform(delivery, delivery.environment.name)
        _plan_again(delivery, terraform, release, list(serving))
        terraform.apply()
    except (FailedCallError, RefusedError, KeyboardInterrupt) as error:
        said = str(error) or "interrupted"
        raise RefusedError(
            "\n".join([said, *pinned])
            + f"\nNo traffic was moved. {delivery.command()} goes on from here, with a new plan"
        ) from None


def _plan_again(
    delivery: Delivery, terraform: Terraform, release: Release, held: list[str]
) -> None:
    found = terraform.plan(release.image or "", held=held)
    show(delivery, found)
    if other := differences(release.changes or (), found, held):
        raise RefusedError("this is not what was planned before:\n" + "\n".join(other))


def _ready(
    delivery: Delivery, before: Mapping[str, Running], held: list[str]
) -> dict[str, Running]:
    """Return what runs now, which is to be ready and without new traffic."""
    after = delivery.running()
    if delivery.calls.is_dry:
        return after
    ours = [name for name in after if name in held or name not in before]
    if late := [name for name in ours if not after[name].is_ready]:
        raise RefusedError(f"the newest revision of {', '.join(late)} does not start: see its log")
    if moved := [name for name in held if after[name].serving != before[name].serving]:
        back = f"./scripts/rollback --environment {delivery.environment.name}"
        ways = [f"  {back} {name} --to {before[name].serving}" for name in moved]
        raise RefusedError(
            "\n".join([f"the traffic of {', '.join(moved)} has moved by itself:", *ways])
        )
    return after


def _save(
    delivery: Delivery, release: Release, before: Mapping[str, Running], held: list[str]
) -> None:
    after = delivery.running()
    if delivery.calls.is_dry:
        return
    services = {}
    for name, service in after.items():
        old = before[name].serving if name in before else None
        is_candidate = name in held and service.newest != old
        url = service.candidate if is_candidate else service.address
        new = service.newest if name in held or old is None else old
        services[name] = Service(service.address, str(url), old, new)
        if is_candidate:
            delivery.say(f"{name}: {new} answers at {url}, and gets no traffic yet")
    delivery.save(replace(release, services=services))
