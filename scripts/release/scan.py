"""`scan`: known holes in the packages that are deployed."""

from scripts.cloud.calls import FailedCallError
from scripts.cloud.command import RefusedError
from scripts.local.ports import SERVICES
from scripts.release.delivery import Delivery


def scan(delivery: Delivery) -> None:
    """Ask the package index's advisories about every pinned package, which resolves nothing.

    Raises:
        RefusedError: there are holes, or nobody could tell.
    """
    files = [f"--requirement=functions/{name}/requirements.txt" for name in SERVICES]
    flags = ("--require-hashes", "--disable-pip", "--strict", "--progress-spinner=off")
    try:
        delivery.calls.change("pip-audit", *flags, *files)
    except FailedCallError as error:
        raise RefusedError(
            f"{error}\nA hole that is named above: ./scripts/lock --upgrade takes newer versions. "
            "Anything else: nobody could tell; try again"
        ) from None
