"""`./scripts/package`: makes what is deployed of each service."""

import argparse

from scripts.local.ports import SERVICES
from scripts.packaging.packages import package, root, write


def main() -> None:
    """Package the services that the command line names, or all."""
    packages = [package(service) for service in _services()]
    write(packages, root())
    for each in packages:
        size = f"{each.files} files  {len(each.archive):,} bytes"
        print(f"{each.service:<8} {size}  sha256 {each.sha256}  {each.path}")


def _services() -> list[str]:
    parser = argparse.ArgumentParser(
        prog="./scripts/package",
        description="Makes what is deployed of each service, in build/packages/: for a function an "
        "archive of its source, for chat the context of its container's build. The same source "
        "gives the same bytes. build/packages.json lists them for Terraform.",
    )
    parser.add_argument(
        "services",
        metavar="SERVICE",
        nargs="*",
        type=_service,
        help=f"{', '.join(SERVICES)} (default: all)",
    )
    return parser.parse_args().services or list(SERVICES)


def _service(name: str) -> str:
    if name not in SERVICES:
        raise argparse.ArgumentTypeError(f"there is no {name!r}, only {', '.join(SERVICES)}")
    return name


if __name__ == "__main__":
    main()
