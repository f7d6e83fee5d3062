"""`plan` and `foundation`: what Terraform would change, and what has to be there first."""

from collections.abc import Sequence
from dataclasses import replace

from scripts.cloud.command import RefusedError, confirm
from scripts.release import changes
from scripts.release.changes import Change
from scripts.release.delivery import Delivery
from scripts.release.terraform import Terraform

_FOUNDATION = (
    "google_project_service.apis",
    "google_artifact_registry_repository.images",
    "google_storage_bucket.sources",
    "google_secret_manager_secret.this",
    # A right takes minutes until it is known everywhere; the first release builds at once.
    "google_artifact_registry_repository_iam_member.build",
    "google_project_iam_member.build_archives",
    "google_project_iam_member.build_logs",
)


def plan(delivery: Delivery) -> None:
    """Show what would change, and which services would be held back for the canary.

    Raises:
        RefusedError: data would be lost, or another release is under way.
    """
    release = delivery.release("image", "image")
    running = delivery.settled()
    terraform = Terraform(delivery, delivery.environment.name)
    terraform.prepare()
    found = terraform.plan(release.image or "")
    show(delivery, found)
    held = changes.services(found) & running.keys()
    behind = {name for name, service in running.items() if service.is_behind}
    if behind:
        delivery.say(f"{_named(behind)} was sent back in an earlier release, and is tried again")
    if held | behind:
        delivery.say(f"{_named(held | behind)}: new revisions get no traffic until the canary")
    kept = replace(release, changes=tuple(found), held=tuple(sorted(held | behind)), services=None)
    delivery.save(kept)


def foundation(delivery: Delivery) -> None:
    """Make what has to be there before the first release: APIs, places for code, empty secrets.

    Raises:
        RefusedError: data would be lost, or the answer was no.
    """
    terraform = Terraform(delivery, f"{delivery.environment.name}-foundation")
    terraform.prepare()
    found = terraform.plan("", targets=_FOUNDATION)
    show(delivery, found)
    if not found and not delivery.calls.is_dry:
        return
    question = f"Make this in {delivery.environment.project}?"
    confirm(question, delivery.options, delivery.console)
    terraform.apply()


def show(delivery: Delivery, found: Sequence[Change]) -> None:
    """Say what would change.

    Raises:
        RefusedError: data would be lost.
    """
    if delivery.calls.is_dry:
        return  # nothing was planned
    for line in changes.summary(found):
        delivery.say(line)
    if lost := changes.refusals(found, delivery.options.allow_destroying):
        raise RefusedError(
            "\n".join(lost) + "\nIf that is what you want: --allow-destroying ADDRESS, for each"
        )


def _named(names: set[str]) -> str:
    return ", ".join(sorted(names))
