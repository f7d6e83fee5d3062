"""`plan` and `foundation`: the plan of a release, and the first resources of a project."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from scripts.cloud.command import RefusedError
from scripts.release.changes import Change, find_losses, summarize, updated_services
from scripts.release.context import ReleaseContext
from scripts.release.deployed_services import DeployedService
from scripts.release.terraform import Terraform

_FOUNDATION = (
    "google_project_service.apis",
    "google_artifact_registry_repository.images",
    "google_storage_bucket.sources",
    "google_secret_manager_secret.this",
    # A new role takes minutes to be in force, and the first release builds immediately.
    "google_artifact_registry_repository_iam_member.build",
    "google_project_iam_member.build_archives",
    "google_project_iam_member.build_logs",
)


def plan(context: ReleaseContext) -> None:
    """Pin the traffic of every service, then show the plan and the services with a canary.

    Raises:
        RefusedError: the plan destroys data, or another release is in progress.
    """
    release = context.load_release("image", "image")
    services = context.unsplit_services()
    _pin(context, services)
    # The plan file gets the name of the environment: `apply` cannot pick up another one.
    terraform = Terraform(context, context.environment.name)
    terraform.prepare()
    # The new plan replaces the file. If it is then refused or interrupted, `apply` must not use it.
    release = replace(release, has_changes=None, serving={}, services=None)
    context.save(release)
    changes = terraform.plan(release.image or "")
    show(context, changes)
    # Revisions that failed a stage or were rolled back are released again with this plan.
    waiting = {name for name, service in services.items() if service.has_candidate}
    for name in sorted(waiting):
        newest = services[name].newest
        context.print(f"{name}: {newest} has no traffic from an earlier release; tested again")
    candidates = sorted((updated_services(changes) & services.keys()) | waiting)
    if candidates:
        context.print(f"{', '.join(candidates)}: new revisions get no traffic before the canary")
    serving = {name: str(services[name].serving) for name in candidates}
    context.save(replace(release, has_changes=bool(changes), serving=serving))


def foundation(context: ReleaseContext) -> None:
    """Create the resources that the first release needs: APIs, registry, bucket, empty secrets.

    Raises:
        RefusedError: the plan destroys data, or was not confirmed.
    """
    terraform = Terraform(context, f"{context.environment.name}-foundation")
    terraform.prepare()
    changes = terraform.plan("", targets=_FOUNDATION)
    show(context, changes)
    if not changes and not context.runner.is_dry:
        return
    context.confirm(f"Create these resources in {context.environment.project}?")
    terraform.apply()


def show(context: ReleaseContext, changes: Sequence[Change]) -> None:
    """Print the changes of a plan.

    Raises:
        RefusedError: the plan destroys data.
    """
    if context.runner.is_dry:
        return  # a dry run has no plan
    for line in summarize(changes):
        context.print(line)
    if losses := find_losses(changes, context.options.allow_destroying):
        raise RefusedError(
            "\n".join(losses) + "\nTo destroy a resource: --allow-destroying ADDRESS, one for each"
        )


def _pin(context: ReleaseContext, services: Mapping[str, DeployedService]) -> None:
    """Fix the traffic of each service to the revision that serves it now, by name.

    Before the plan, because Terraform writes the traffic of the chat back as it was at the plan.
    The serving revision stays the same. The canary leaves services pinned, so only new ones, or
    those that an operator has changed, need this.
    """
    for name, service in services.items():
        if service.follows_newest:
            context.update_traffic(name, f"--to-revisions={service.serving}=100")
