"""`apply`: Terraform creates new revisions without traffic, and each gets a test address."""

from collections.abc import Mapping
from dataclasses import replace

from scripts.cloud.command import RefusedError
from scripts.cloud.runner import CommandFailedError
from scripts.release.context import ReleaseContext
from scripts.release.deployed_services import CANDIDATE_TAG, DeployedService
from scripts.release.release import Release, Service
from scripts.release.terraform import Terraform

Services = Mapping[str, DeployedService]


def apply(context: ReleaseContext) -> None:
    """Apply the plan that `plan` showed. Traffic stays on the revisions that serve now.

    Raises:
        RefusedError: not confirmed, the traffic changed since the plan, or a step failed.
    """
    is_dry = context.runner.is_dry
    release = context.load_release("has_changes", "plan")
    if release.has_changes or release.serving:
        context.confirm(f"Apply this to {context.environment.project}?")
    # After the confirmation: the traffic may change while the command waits for the answer.
    before = context.unsplit_services()
    if is_dry:
        serving = {name: str(service.serving) for name, service in before.items()}
        release = replace(release, serving=serving)
    else:
        _check_traffic(context, release, before)
    if release.has_changes:
        _apply(context, release)
    else:
        context.print("no changes to apply")
    after = context.services()
    if not is_dry:
        _check_result(context, release, before, after)
    # The tag gives a revision without traffic an address for the smoke test.
    for name, old in release.serving.items():
        new = f"<new revision of {name}>" if is_dry else after[name].newest
        if new != old:
            context.update_traffic(name, f"--update-tags={CANDIDATE_TAG}={new}")
    # Read again: Cloud Run assigns the address of a tag.
    services = context.services()
    if not is_dry:
        _save(context, release, before, services)


def _check_traffic(context: ReleaseContext, release: Release, services: Services) -> None:
    """Refuse a plan from before a rollback: it would undo the rollback of the chat."""
    changed = [
        name
        for name, revision in release.serving.items()
        if name not in services
        or services[name].serving != revision
        or services[name].follows_newest
    ]
    if changed:
        raise RefusedError(
            f"the traffic of {', '.join(changed)} has changed since the plan; nothing was changed. "
            f"Plan again: {context.stage_command('plan')}"
        )


def _apply(context: ReleaseContext, release: Release) -> None:
    try:
        Terraform(context, context.environment.name).apply()
    except (CommandFailedError, KeyboardInterrupt) as error:
        unchanged = [
            f"{name}: all traffic stays on {revision}" for name, revision in release.serving.items()
        ]
        # The saved plan is stale after a partial apply, and Terraform refuses it.
        raise RefusedError(
            "\n".join([str(error) or "interrupted", *unchanged])
            + f"\nNo traffic was moved. To continue with a new plan: {context.stage_command()}"
        ) from None


def _check_result(
    context: ReleaseContext, release: Release, before: Services, after: Services
) -> None:
    # Only services of this release: a broken revision of another one must not block it.
    ours = [name for name in after if name in release.serving or name not in before]
    if failed := [name for name in ours if not after[name].is_ready]:
        names = ", ".join(failed)
        raise RefusedError(f"the newest revision of {names} does not start: see its log")
    moved = [name for name, old in release.serving.items() if after[name].serving != old]
    if moved:
        rollback = f"./scripts/rollback --environment {context.environment.name}"
        commands = [f"  {rollback} {name} --to {release.serving[name]}" for name in moved]
        raise RefusedError(
            "\n".join(
                [f"the traffic of {', '.join(moved)} moved during apply. To return:", *commands]
            )
        )


def _save(context: ReleaseContext, release: Release, before: Services, after: Services) -> None:
    services = {}
    for name, service in after.items():
        old = before[name].serving if name in before else None
        is_candidate = name in release.serving and service.newest != old
        url = service.candidate_url if is_candidate else service.address
        new = service.newest if name in release.serving or old is None else old
        services[name] = Service(service.address, str(url), old, new)
        if is_candidate:
            context.print(f"{name}: {new} is at {url}, without traffic")
    context.save(replace(release, services=services))
