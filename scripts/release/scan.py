"""`scan`: known vulnerabilities in the deployed packages."""

from scripts.cloud.command import RefusedError
from scripts.cloud.runner import CommandFailedError
from scripts.local.ports import SERVICES
from scripts.release.context import ReleaseContext


def scan(context: ReleaseContext) -> None:
    """Check every pinned package against the advisories of the package index.

    Raises:
        RefusedError: a package has a vulnerability, or the check failed.
    """
    files = [f"--requirement=functions/{name}/requirements.txt" for name in SERVICES]
    # Hashes and no pip: the scan checks exactly the pinned versions and resolves nothing.
    flags = ("--require-hashes", "--disable-pip", "--strict", "--progress-spinner=off")
    try:
        context.runner.change("pip-audit", *flags, *files)
    except CommandFailedError as error:
        raise RefusedError(
            f"{error}\nIf the output above lists vulnerabilities, update with ./scripts/lock "
            "--upgrade. Otherwise the check itself failed: run it again"
        ) from None
